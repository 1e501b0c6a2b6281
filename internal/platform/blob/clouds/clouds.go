// Package clouds brings the buckets of clouds into a program that imports it: s3:// for blob.Open, azblob:// when it is
// built with -tags azure, and gs:// with -tags gcs. Those two take 5 and 20 MiB of memory before they do anything; Google's
// buckets are also reached as s3://bucket?endpoint=https://storage.googleapis.com, with HMAC keys. The command imports it;
// tests and tools, which keep blobs in a folder, need none of it. Built with -tags nocloud the program has only folders.
package clouds
