//go:build gcs

package clouds

import _ "gocloud.dev/blob/gcsblob" // registers its scheme
