package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/rooftop-crm/rooftop/internal/platform/archive"
	"github.com/rooftop-crm/rooftop/internal/platform/blob"
	"github.com/rooftop-crm/rooftop/internal/platform/clock"
	"github.com/rooftop-crm/rooftop/internal/platform/migrate"
	"github.com/rooftop-crm/rooftop/internal/platform/pgcluster"
	"github.com/rooftop-crm/rooftop/internal/platform/secret"
)

// What is where in a backup. Its first member says what it is.
const (
	backupFormat = 1
	backupHead   = "rooftop-backup.json"
	clusterPart  = "cluster/"
	blobsPart    = "blobs/"
	keyCheck     = "backup"
)

// backupSays is the first member.
type backupSays struct {
	Format        int       `json:"format"`
	MadeAt        time.Time `json:"made_at"`
	Program       string    `json:"program"`
	Platform      string    `json:"platform"` // Postgres's files are of one
	Postgres      string    `json:"postgres"`
	PostgresMajor int       `json:"postgres_major"`
	Files         bool      `json:"files"`               // uploaded files are in it
	KeyCheck      []byte    `json:"key_check,omitempty"` // a word that the master key has sealed
}

var errNotPrivate = errors.New("ROOFTOP_DATABASE_URL is set: backup and restore of that Postgres are its owner's, with its own means; " +
	"docs/operations.md (Backup) says what belongs to a backup")

// Backup writes the private Postgres and the uploaded files under DataDir into one file, which gets its name once it is
// whole, or to out when to is "-"; a name is made up when it is "". The server may run or not. The notes say what is in it.
func Backup(ctx context.Context, cfg Config, to string, out io.Writer) (notes string, err error) {
	if cfg.DatabaseURL != "" {
		return "", errNotPrivate
	}
	if there, err := pgcluster.Exists(cfg.clusterConfig()); err != nil || !there {
		return "", errors.Join(fmt.Errorf("there is no private Postgres in %s that could be backed up", cfg.DataDir), err)
	}
	if to == "-" {
		said, err := cfg.backUp(ctx, out)
		return said.notes(cfg, "standard output"), err
	}
	if to == "" {
		to = "rooftop-backup-" + clock.Now().UTC().Format("20060102T150405Z") + ".tar.gz"
	}
	var said backupSays
	err = writeWhole(to, func(f io.Writer) error {
		said, err = cfg.backUp(ctx, f)
		return err
	})
	return said.notes(cfg, to), err
}

// writeWhole gives a file its name once it is written and on the disk. Only its owner may read it.
func writeWhole(path string, write func(io.Writer) error) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no file: name one, or - for standard output", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".partial-*") // 0600
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func (c Config) backUp(ctx context.Context, to io.Writer) (backupSays, error) {
	cluster, err := c.runningCluster(ctx)
	if err != nil {
		return backupSays{}, err
	}
	defer func() { _ = cluster.Close(context.WithoutCancel(ctx)) }()
	says, err := c.says(ctx, cluster)
	if err != nil {
		return says, err
	}
	w, err := archive.NewWriter(to)
	if err != nil {
		return says, err
	}
	defer w.Discard()
	head, err := json.Marshal(says)
	if err != nil {
		return says, err
	}
	if err := w.Add(archive.Member{Name: backupHead, Size: int64(len(head)), At: says.MadeAt}, bytes.NewReader(head)); err != nil {
		return says, err
	}
	if err := c.copyAll(ctx, cluster, w, says.Files); err != nil {
		return says, err
	}
	return says, w.Close()
}

func (c Config) runningCluster(ctx context.Context) (*pgcluster.Cluster, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return OpenCluster(ctx, c)
}

func (c Config) says(ctx context.Context, cluster *pgcluster.Cluster) (backupSays, error) {
	version, major, err := cluster.Version(ctx)
	if err != nil {
		return backupSays{}, err
	}
	says := backupSays{
		Format: backupFormat, MadeAt: clock.Now().UTC().Truncate(time.Second), Program: Version, Platform: platform(), Postgres: version,
		PostgresMajor: major, Files: c.BlobURL == "",
	}
	ring, err := c.existingKeyring()
	if err == nil {
		says.KeyCheck = ring.Seal(keyCheck, []byte(keyCheck))
	} else if errors.Is(err, errNoKey) {
		err = nil
	}
	return says, err
}

func platform() string { return runtime.GOOS + "/" + runtime.GOARCH }

// copyAll copies the files after the cluster, and keeps them from being deleted meanwhile: a row that is in the backup finds
// its file there, also when both were deleted while it was made. Files whose row came too late are swept one day.
func (c Config) copyAll(ctx context.Context, cluster *pgcluster.Cluster, w *archive.Writer, files bool) error {
	var blobs *blob.Store
	if files {
		var err error
		if blobs, err = blob.Open(ctx, c.blobs()); err != nil {
			return err
		}
		defer func() { _ = blobs.Close() }()
		release, err := blobs.Hold(ctx)
		if err != nil {
			return err
		}
		defer release()
	}
	err := cluster.BaseBackup(ctx, func(m archive.Member, content io.Reader) error {
		m.Name = clusterPart + m.Name
		return w.Add(m, content)
	})
	if err != nil || !files {
		return err
	}
	return blobs.Files(func(f blob.File, content io.Reader) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return w.Add(archive.Member{Name: blobsPart + f.Key, Size: f.Size, At: f.At}, content)
	})
}

func (b backupSays) notes(cfg Config, where string) string {
	files := "the uploaded files"
	if !b.Files {
		files = "without the uploaded files, which are in " + withoutSecrets(cfg.BlobURL) + ": back them up too, after the database"
	}
	return fmt.Sprintf("Backed up to %s: the database (Postgres %s) and %s.\n"+
		"The master key (%s) is not in it, and without it nobody reads the signing keys, webhook secrets and second factors that are: "+
		"keep a copy of the key in another place.\n", where, b.Postgres, files, cfg.keyPlace())
}

// withoutSecrets is the bucket of a URL.
func withoutSecrets(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "ROOFTOP_BLOB_URL"
	}
	return u.Scheme + "://" + u.Host + u.Path
}

// Restore puts a backup into a DataDir that has neither a private Postgres nor files; from is a file, or "-" for in. All of it
// is there afterwards, or nothing. The notes say what is to be done before the first start.
func Restore(ctx context.Context, cfg Config, from string, in io.Reader) (notes string, err error) {
	if cfg.DatabaseURL != "" {
		return "", errNotPrivate
	}
	if from != "-" {
		f, err := os.Open(from) //nolint:gosec // the operator names the file
		if err != nil {
			return "", err
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	says, err := cfg.restore(ctx, in)
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case errors.Is(err, pgcluster.ErrExists), errors.Is(err, pgcluster.ErrInUse), errors.Is(err, blob.ErrNotEmpty):
		return "", fmt.Errorf("%w: nothing is overwritten; stop the server and move what is there away, or set ROOFTOP_DATA_DIR to another folder", err)
	case err != nil:
		return "", fmt.Errorf("restore %s: %w", from, err)
	}
	return says.afterwards(cfg), nil
}

func (c Config) restore(ctx context.Context, in io.Reader) (backupSays, error) {
	r, err := archive.NewReader(interruptible{ctx, in})
	if err != nil {
		return backupSays{}, err
	}
	says, err := readHead(r)
	if err != nil {
		return says, err
	}
	cluster, err := pgcluster.Restore(ctx, c.clusterConfig(), says.PostgresMajor)
	if err != nil {
		return says, err
	}
	defer func() { _ = cluster.Close() }()
	blobs, err := blob.Restore(c.blobs().Dir)
	if err != nil {
		return says, err
	}
	defer func() { _ = blobs.Close() }()
	if err := unpack(r, cluster, blobs); err != nil {
		return says, err
	}
	// Before anything is in its place: nothing ever starts that would go on with the old history.
	if err := cluster.Recover(ctx, privateDatabase, migrate.NewEpoch); err != nil {
		return says, err
	}
	if says.Files {
		if err := blobs.Commit(); err != nil {
			return says, err
		}
	}
	return says, cluster.Commit()
}

// readHead sees that this is a backup that fits here, before anything is made.
func readHead(r *archive.Reader) (backupSays, error) {
	var says backupSays
	m, content, err := r.Next()
	if err != nil {
		return says, err
	}
	if m.Name != backupHead {
		return says, fmt.Errorf("it is no backup of rooftop backup: it begins with %s", m.Name)
	}
	const most = 1 << 16
	if err := json.NewDecoder(io.LimitReader(content, most)).Decode(&says); err != nil {
		return says, fmt.Errorf("%w: %s cannot be read: %w", archive.ErrDamaged, backupHead, err)
	}
	switch {
	case says.Format != backupFormat:
		return says, fmt.Errorf("it is of format %d, and this program (%s) reads format %d: take the one that wrote it, %s",
			says.Format, Version, backupFormat, says.Program)
	case says.Platform != platform():
		return says, fmt.Errorf("it was made on %s and this is %s, where Postgres cannot read it: restore it there, and bring it here by pg_dump",
			says.Platform, platform())
	}
	return says, nil
}

// unpack reads the archive to its end, where it proves to be whole.
func unpack(r *archive.Reader, cluster *pgcluster.Restoration, blobs *blob.Restoration) error {
	for {
		m, content, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if name, ok := strings.CutPrefix(m.Name, clusterPart); ok {
			m.Name = name
			err = cluster.Put(m, content)
		} else if key, ok := strings.CutPrefix(m.Name, blobsPart); ok {
			err = blobs.Put(blob.File{Key: key, Size: m.Size, At: m.At}, content)
		} else {
			err = fmt.Errorf("%w: nothing is known of %s", archive.ErrDamaged, m.Name)
		}
		if err != nil {
			return err
		}
	}
}

// interruptible ends with its context.
type interruptible struct {
	ctx  context.Context //nolint:containedctx // of the one call that it lives in
	from io.Reader
}

// Read implements io.Reader.
func (i interruptible) Read(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	return i.from.Read(p)
}

func (b backupSays) afterwards(cfg Config) string {
	var s strings.Builder
	fmt.Fprintf(&s, "Restored into %s what was there on %s (Postgres %s, rooftop %s).\n", cfg.DataDir, b.MadeAt.Format("2006-01-02 at 15:04:05 UTC"), b.Postgres, b.Program)
	if !b.Files {
		s.WriteString("Uploaded files are not in this backup: set ROOFTOP_BLOB_URL to where they are.\n")
	} else if cfg.BlobURL != "" {
		fmt.Fprintf(&s, "Uploaded files are in %s, and the server looks for them in ROOFTOP_BLOB_URL: unset it, or move them there.\n", cfg.blobs().Dir)
	}
	ring, err := cfg.existingKeyring()
	if err == nil && b.KeyCheck != nil {
		_, err = ring.Open(keyCheck, b.KeyCheck)
	}
	if err == nil {
		fmt.Fprintf(&s, "The master key here (%s) is the one of the backup: start the server.\n", cfg.keyPlace())
	} else {
		fmt.Fprintf(&s, "Before the first start put back the master key of the backup (%s); with another one its secrets cannot be read.\n", cfg.keyPlace())
	}
	s.WriteString("Readers of change feeds and events are told cursor.expired and begin again. Mail and webhooks that waited at the time of the backup leave after the start.\n")
	return s.String()
}

var errNoKey = errors.New("there is no master key yet")

// existingKeyring opens the master key and makes none. It fails with errNoKey.
func (c Config) existingKeyring() (*secret.Keyring, error) {
	if _, err := os.Stat(c.keyFile()); c.MasterKey == "" && errors.Is(err, os.ErrNotExist) {
		return nil, errNoKey
	}
	return c.keyring()
}

func (c Config) keyFile() string { return filepath.Join(c.DataDir, "master.key") }

// keyPlace is where the master key is, for messages.
func (c Config) keyPlace() string {
	if c.MasterKey != "" {
		return "ROOFTOP_MASTER_KEY"
	}
	return c.keyFile()
}
