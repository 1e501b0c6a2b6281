package pgcluster

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"github.com/xi2/xz"
)

// maxUnpackedBytes is many times what a Postgres takes; more is an attack or a mistake.
const maxUnpackedBytes = 2 << 30

// unpackTarXz writes the archive below the folder. os.Root refuses names and links that lead out of it.
func unpackTarXz(r io.Reader, into string) error {
	root, err := os.OpenRoot(into)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // nothing is written through it
	plain, err := xz.NewReader(r, 0)
	if err != nil {
		return err
	}
	archive := tar.NewReader(io.LimitReader(plain, maxUnpackedBytes))
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := unpackEntry(root, header, archive); err != nil {
			return fmt.Errorf("unpack %s: %w", header.Name, err)
		}
	}
}

func unpackEntry(root *os.Root, header *tar.Header, content io.Reader) error {
	name := path.Clean(header.Name)
	folder := path.Dir(name)
	if header.Typeflag == tar.TypeDir {
		folder = name
	}
	if err := root.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if err := root.Chmod(folder, 0o755); err != nil { // the server user must get through, whatever the umask
		return err
	}
	switch header.Typeflag {
	case tar.TypeReg:
		perm := os.FileMode(0o644)
		if header.Mode&0o111 != 0 {
			perm = 0o755
		}
		f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, perm)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, content)
		return errors.Join(err, f.Chmod(perm), f.Close())
	case tar.TypeSymlink:
		return root.Symlink(header.Linkname, name)
	case tar.TypeLink:
		return root.Link(path.Clean(header.Linkname), name)
	}
	return nil // devices and the like have no place among binaries
}
