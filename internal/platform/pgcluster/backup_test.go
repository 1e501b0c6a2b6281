package pgcluster

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/archive"
)

// packed is a backup in memory.
func packed(t *testing.T, c *Cluster) *bytes.Buffer {
	t.Helper()
	var out bytes.Buffer
	w, err := archive.NewWriter(&out)
	require.NoError(t, err)
	require.NoError(t, c.BaseBackup(patient(t), w.Add))
	require.NoError(t, w.Close())
	return &out
}

func put(t *testing.T, r *Restoration, backup io.Reader) {
	t.Helper()
	from, err := archive.NewReader(backup)
	require.NoError(t, err)
	for {
		m, content, err := from.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
		require.NoError(t, r.Put(m, content))
	}
}

func TestBackupBecomesAnotherCluster(t *testing.T) {
	cfg := newConfig(t)
	there, err := Exists(cfg)
	require.NoError(t, err)
	assert.False(t, there)
	left := filepath.Join(cfg.DataDir, restoring+"abc")
	require.NoError(t, os.MkdirAll(filepath.Join(left, "pgdata"), 0o755))
	c := open(t, cfg)
	assert.NoDirExists(t, left, "of a restoration that was killed, and that nobody came back to")
	there, err = Exists(cfg)
	require.NoError(t, err)
	assert.True(t, there)
	require.NoError(t, c.EnsureDatabase(patient(t), "kept"))
	exec1(t, c.URL("kept"), "CREATE TABLE kept AS SELECT 'still here' AS v")
	backup := packed(t, c)
	exec1(t, c.URL("kept"), "UPDATE kept SET v = 'later'")

	to := newConfig(t)
	r, err := Restore(patient(t), to, c.place.major())
	require.NoError(t, err)
	_, err = Restore(patient(t), to, c.place.major())
	require.ErrorIs(t, err, ErrInUse)
	put(t, r, bytes.NewReader(backup.Bytes()))
	require.NoError(t, r.Recover(patient(t), "kept", "UPDATE kept SET v = v || ', and more'"))
	there, err = Exists(to)
	require.NoError(t, err)
	assert.False(t, there, "not before it is complete")
	require.NoError(t, r.Commit())
	require.NoError(t, r.Close())
	restored := open(t, to)
	assert.Equal(t, "still here, and more", query(t, restored.URL("kept"), "SELECT v FROM kept"))
	assert.NotEqual(t, c.password, restored.password)
	_, err = Restore(patient(t), to, c.place.major())
	require.ErrorIs(t, err, ErrInUse)
	require.NoError(t, restored.Close(patient(t)))
	_, err = Restore(patient(t), to, c.place.major())
	require.ErrorIs(t, err, ErrExists)
	leftovers, err := filepath.Glob(filepath.Join(restored.place.home, restoring+"*"))
	require.NoError(t, err)
	assert.Empty(t, leftovers)
}

func TestRestorationThatFailsLeavesNothing(t *testing.T) {
	c := open(t, newConfig(t))
	backup := packed(t, c)
	to := newConfig(t)
	for name, fail := range map[string]func(r *Restoration) error{
		"the statement fails": func(r *Restoration) error {
			put(t, r, bytes.NewReader(backup.Bytes()))
			return r.Recover(patient(t), "postgres", "SELECT 1/0")
		},
		"the database is not there": func(r *Restoration) error {
			put(t, r, bytes.NewReader(backup.Bytes()))
			return r.Recover(patient(t), "rooftop", "SELECT 1")
		},
		"nothing was put":  func(r *Restoration) error { return r.Recover(patient(t), "postgres", "SELECT 1") },
		"a name leads out": func(r *Restoration) error { return r.Put(archive.Member{Name: "../out"}, strings.NewReader("x")) },
		"a folder does":    func(r *Restoration) error { return r.Put(archive.Member{Name: "..", Dir: true}, nil) },
		"a file comes twice": func(r *Restoration) error {
			require.NoError(t, r.Put(archive.Member{Name: "a/b"}, strings.NewReader("x")))
			return r.Put(archive.Member{Name: "a/b"}, strings.NewReader("y"))
		},
	} {
		r, err := Restore(patient(t), to, c.place.major())
		require.NoError(t, err, name)
		require.Error(t, fail(r), name)
		require.NoError(t, r.Close(), name)
		there, err := Exists(to)
		require.NoError(t, err)
		assert.False(t, there, name)
		left, err := filepath.Glob(filepath.Join(r.place.home, "[^sul]*")) // but for locks
		require.NoError(t, err)
		assert.Empty(t, left, name)
	}
	_, err := Restore(patient(t), to, 99)
	require.ErrorIs(t, err, ErrNoBinaries)
	require.ErrorContains(t, err, "which wrote the backup")
}

func TestBackupSaysWhyItCannotBe(t *testing.T) {
	nothing := func(archive.Member, io.Reader) error { return nil }
	t.Run("the server serves no replica", func(t *testing.T) {
		cfg := newConfig(t)
		cfg.Settings["wal_level"], cfg.Settings["max_wal_senders"] = "minimal", "0"
		c := open(t, cfg)
		require.ErrorContains(t, c.BaseBackup(patient(t), nothing), "take wal_level, max_wal_senders")
	})
	c := open(t, newConfig(t))
	t.Run("whoever takes it fails", func(t *testing.T) {
		full := errors.New("the disk is full")
		require.ErrorIs(t, c.BaseBackup(patient(t), func(archive.Member, io.Reader) error { return full }), full)
		eventually(t, func() bool {
			return query(t, c.URL("postgres"), "SELECT count(*)::text FROM pg_replication_slots") == "0"
		}, "the slot stays")
	})
	t.Run("there are tablespaces", func(t *testing.T) {
		dir := filepath.Join(c.place.home, "elsewhere")
		require.NoError(t, c.place.makeServerDir(dir))
		exec1(t, c.URL("postgres"), "CREATE TABLESPACE elsewhere LOCATION '"+dir+"'")
		require.ErrorContains(t, c.BaseBackup(patient(t), nothing), "pg_basebackup")
		exec1(t, c.URL("postgres"), "DROP TABLESPACE elsewhere")
	})
	t.Run("a page is damaged", func(t *testing.T) {
		exec1(t, c.URL("postgres"), "CREATE TABLE t AS SELECT generate_series(1, 5000) AS n")
		exec1(t, c.URL("postgres"), "CHECKPOINT")
		file := filepath.Join(c.place.pgdata(), query(t, c.URL("postgres"), "SELECT pg_relation_filepath('t')"))
		f, err := os.OpenFile(file, os.O_RDWR, 0)
		require.NoError(t, err)
		_, err = f.WriteAt([]byte("rot"), 8192+4000)
		require.NoError(t, errors.Join(err, f.Close()))
		require.ErrorContains(t, c.BaseBackup(patient(t), nothing), "checksum")
	})
}
