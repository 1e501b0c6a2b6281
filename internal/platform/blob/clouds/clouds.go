// Package clouds brings the buckets of clouds into a program that imports it: s3:// and azblob:// for blob.Open, and gs://
// when it is built with -tags gcs. Google's own client takes 20 MiB of memory before it does anything; its buckets are also
// reached as s3://bucket?endpoint=https://storage.googleapis.com, with HMAC keys. The command imports it; tests and tools,
// which keep blobs in a folder, need none of it. Built with -tags nocloud the program has only folders.
package clouds
