//go:build !nocloud

package clouds

import _ "gocloud.dev/blob/s3blob" // registers its scheme
