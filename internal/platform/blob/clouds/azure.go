//go:build azure

package clouds

import _ "gocloud.dev/blob/azureblob" // registers its scheme
