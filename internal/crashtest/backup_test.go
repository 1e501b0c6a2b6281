package crashtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/platform/archive"
	"github.com/rooftop-crm/rooftop/internal/platform/pgcluster"
)

// onlyServer is a PATH with what a private Postgres needs and nothing else.
func onlyServer(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "rooftop-crashtest-") //nolint:usetesting // root's Postgres runs as another user, who must reach it
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	found, err := pgcluster.Find(t.Context(), pgcluster.Config{
		DataDir: filepath.Join(dir, "data"), Path: os.Getenv("PATH"), Repository: os.Getenv(pgcluster.RepositorySetting),
	})
	require.NoError(t, err)
	for _, name := range []string{"initdb", "pg_ctl", "postgres"} {
		require.NoError(t, os.Symlink(filepath.Join(found.Dir, name), filepath.Join(dir, name)))
	}
	return dir
}

// command is the program with other arguments than serve.
func command(t *testing.T, s settings, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Env, cmd.Dir = s.environ(), "/"
	return cmd
}

// succeed runs a command and returns what it says beside its output.
func succeed(t *testing.T, cmd *exec.Cmd) (said string) {
	t.Helper()
	var out bytes.Buffer
	cmd.Stderr = &out
	require.NoError(t, cmd.Run(), "%s: %s", cmd.Args, &out)
	return out.String()
}

// refused runs a command that must fail and returns why it did.
func refused(t *testing.T, cmd *exec.Cmd) (said string) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	require.Error(t, err, "%s: %s", cmd.Args, out)
	return string(out)
}

// open opens the cluster without a server of ours on it: nothing changes in it but by the test.
func (c *cluster) open(t *testing.T) (conn *pgx.Conn, leave func()) {
	t.Helper()
	private, err := pgcluster.Open(t.Context(), pgcluster.Config{DataDir: filepath.Join(c.dir, "postgres"), Path: os.Getenv("PATH"), Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	conn, err = pgx.Connect(t.Context(), private.URL("rooftop"))
	require.NoError(t, err)
	return conn, func() {
		require.NoError(t, conn.Close(context.Background()))
		require.NoError(t, private.Close(context.Background()))
	}
}

// wipe is rm -rf of the data folder.
func (c *cluster) wipe(t *testing.T) {
	t.Helper()
	require.NoError(t, os.RemoveAll(c.home()))
	require.NoError(t, os.RemoveAll(c.dir))
}

// remains are the files in the data folder that a restore would have made.
func (c *cluster) remains(t *testing.T) (all []string) {
	t.Helper()
	for _, glob := range []string{filepath.Join(c.home(), "pgdata*"), filepath.Join(c.home(), "restoring-*"), filepath.Join(c.dir, "blobs*")} {
		found, err := filepath.Glob(glob)
		require.NoError(t, err)
		all = append(all, found...)
	}
	return all
}

// sums is how many rows each table has and what their checksum is. The epoch is another after a restore.
func sums(t *testing.T, conn *pgx.Conn) map[string]string {
	t.Helper()
	out := map[string]string{}
	tables := askAll[string](t, conn, `SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables
		WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`)
	for _, table := range tables {
		where := ""
		if table == "public.installation" {
			where = "WHERE key <> 'epoch'"
		}
		out[table] = ask[string](t, conn, fmt.Sprintf(`SELECT count(*) || ' ' || md5(coalesce(string_agg(md5(r::text), '' ORDER BY md5(r::text)), '')) FROM %s r %s`, table, where))
	}
	return out
}

// prefix is the checksum of the events up to a place in the order.
func prefix(t *testing.T, conn *pgx.Conn, to int64) string {
	t.Helper()
	return ask[string](t, conn, `SELECT count(*) || ' ' || md5(string_agg(e::text, '|' ORDER BY position)) FROM events e WHERE position <= $1`, to)
}

// rows are the checksums of a table's rows by id.
func rows(t *testing.T, conn *pgx.Conn, table string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, line := range askAll[string](t, conn, fmt.Sprintf("SELECT id || ' ' || md5(r::text) FROM %s r", table)) {
		id, sum, _ := strings.Cut(line, " ")
		out[id] = sum
	}
	return out
}

// places are where a reader of each kind stands.
type places struct{ leads, files, events string }

func standing(a *apptest.Caller) places {
	end := func(path string) string {
		for at := ""; ; {
			got := a.Get(path + "?limit=200" + at).Is(http.StatusOK)
			next := got.Str("next_cursor")
			if got.At("has_more") == false {
				return next
			}
			at = "&cursor=" + next
		}
	}
	return places{leads: end("/v1/leads/changes"), files: end("/v1/files/changes"), events: end("/v1/events")}
}

// expired sees that no reader goes on as if nothing had happened.
func (p places) expired(t *testing.T, a *apptest.Caller) {
	t.Helper()
	for path, cursor := range map[string]string{"/v1/leads/changes": p.leads, "/v1/files/changes": p.files, "/v1/events": p.events} {
		assert.Equal(t, "cursor.expired", a.Get(path+"?cursor="+cursor).Is(http.StatusGone).Code(), path)
	}
	stream := a.Try(http.MethodGet, "/v1/events/stream?wait=0", nil, "Last-Event-ID", p.events).Is(http.StatusOK)
	assert.Contains(t, string(stream.Body), "event: gap\n")
	assert.Contains(t, string(stream.Body), "cursor.expired")
}

const leaflet = "Ouvert du lundi au samedi\n"

func upload(a *apptest.Caller, name string) (id string) {
	return a.Send(http.MethodPost, "/v1/files?name="+name, []byte(leaflet), "Content-Type", "text/plain").Is(http.StatusCreated).Str("id")
}

// TestBackupWipeRestore is the drill, with no program of Postgres but the three that a private one needs.
func TestBackupWipeRestore(t *testing.T) {
	t.Parallel()
	c, s := newCluster(t)
	s = s.with(settings{"PATH": onlyServer(t), "ROOFTOP_POSTGRES_REPOSITORY": pgcluster.RepositoryOff})
	p := start(t, s)
	a := newAccount(t, s, p.URL)
	kept := upload(a.Caller, "leaflet.txt")
	w := newWave(t, mixedRequest, p.URL, a.Credential)
	w.awaitAcks(clients)
	loaded, acked := c.backUpUnderLoad(t, s, w, a.Caller)
	w.stop()
	at := standing(a.Caller)
	p.stop(t)

	conn, leave := c.open(t)
	want := sums(t, conn)
	dir := t.TempDir()
	calm := filepath.Join(dir, "calm.tar.gz")
	said := succeed(t, command(t, s, "backup", "--to", calm))
	assert.Contains(t, said, "The master key (ROOFTOP_MASTER_KEY) is not in it")
	require.Equal(t, want, sums(t, conn), "a backup changes nothing")
	c.loadedIsPartOf(t, s, conn, loaded, acked)
	c.killedBackup(t, s, conn)
	leave()
	info, err := os.Stat(calm)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	t.Logf("%d tables, a backup of %d kB", len(want), info.Size()>>10)

	assert.Contains(t, refused(t, command(t, s, "restore", "--from", calm)), "nothing is overwritten")
	c.wipe(t)
	c.damaged(t, s, calm)
	c.killedRestore(t, s, calm)
	said = succeed(t, command(t, s, "restore", "--from", calm))
	assert.Contains(t, said, "(ROOFTOP_MASTER_KEY) is the one of the backup")
	conn, leave = c.open(t)
	assert.Equal(t, want, sums(t, conn), "every row of every table")
	leave()

	p = start(t, s)
	assert.Contains(t, refused(t, command(t, s, "restore", "--from", calm)), "a program uses it")
	again := p.program().With(t, a.Credential)
	assert.Equal(t, leaflet, string(again.Get("/v1/files/"+kept+"/content").Is(http.StatusOK).Body))
	at.expired(t, again)
	now := standing(again).events
	made := again.Post("/v1/leads", enquiry(900_000)).Is(http.StatusCreated).Str("id")
	apptest.Await(t, "the order of events goes on", func() bool {
		return strings.Contains(string(again.Get("/v1/events?resource=lead&cursor="+now).Is(http.StatusOK).Body), made)
	})
	p.stop(t)
	assert.Zero(t, c.postmaster())
}

// backUpUnderLoad reads a backup so slowly that much is written while it is made, and deletes a file meanwhile.
func (c *cluster) backUpUnderLoad(t *testing.T, s settings, w *wave, a *apptest.Caller) (backup []byte, acked map[int]string) {
	t.Helper()
	gone := upload(a, "gone.txt")
	w.mu.Lock()
	acked = maps.Clone(w.leads)
	w.mu.Unlock()
	cmd := command(t, s, "backup", "--to", "-")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	head := make([]byte, 1<<16)
	_, err = io.ReadFull(out, head)
	require.NoError(t, err, "%s", &said)
	w.awaitAcks(clients)

	blob := filepath.Join(c.dir, "blobs", "*", "files", "*", gone)
	a.JSON(http.MethodDelete, "/v1/files/"+gone, nil).Is(http.StatusNoContent)
	conn, err := pgx.Connect(t.Context(), c.url(t))
	require.NoError(t, err)
	apptest.Await(t, "the removal of its bytes is put off", func() bool {
		return ask[int](t, conn, "SELECT count(*) FROM river_job WHERE kind = 'files.remove' AND state = 'scheduled'") == 1
	})
	require.NoError(t, conn.Close(t.Context()))
	found, err := filepath.Glob(blob)
	require.NoError(t, err)
	assert.Len(t, found, 1, "what a backup may need is not deleted while it is made")

	rest, err := io.ReadAll(out)
	require.NoError(t, err)
	require.NoError(t, cmd.Wait(), "%s", &said)
	w.awaitAcks(clients)
	return slices.Concat(head, rest), acked
}

// loadedIsPartOf restores the backup that was made under load elsewhere: it is what was there at one moment after everything
// that had been acknowledged before it began. live is what came of it all.
func (c *cluster) loadedIsPartOf(t *testing.T, s settings, live *pgx.Conn, backup []byte, acked map[int]string) {
	t.Helper()
	elsewhere, there := newCluster(t)
	s = s.with(settings{"ROOFTOP_DATA_DIR": there["ROOFTOP_DATA_DIR"]})
	cmd := command(t, s, "restore", "--from", "-")
	cmd.Stdin = bytes.NewReader(backup)
	succeed(t, cmd)
	conn, leave := elsewhere.open(t)
	defer leave()
	leads := rows(t, conn, "leads")
	require.NotEmpty(t, acked)
	for n, id := range acked {
		assert.Contains(t, leads, id, "enquiry %d was acknowledged before the backup began", n)
	}
	end := ask[int64](t, conn, "SELECT position FROM event_heads")
	assert.Equal(t, prefix(t, live, end), prefix(t, conn, end), "the events are those of the first so many")
	assert.Zero(t, ask[int](t, conn, `SELECT count(*) FROM leads l WHERE NOT EXISTS (SELECT FROM contacts c WHERE c.id = l.contact_id)
		OR NOT EXISTS (SELECT FROM events e WHERE e.resource_id = l.id) OR NOT EXISTS (SELECT FROM lead_history h WHERE h.lead_id = l.id)`), "no half of a lead")
	for _, table := range []string{"leads", "lead_history", "contacts"} {
		later, now := rows(t, live, table), rows(t, conn, table)
		assert.Greater(t, len(later), len(now), "%s were written while and after it was made", table)
		for id, sum := range now {
			assert.Equal(t, later[id], sum, "%s %s", table, id)
		}
	}
	for _, id := range askAll[string](t, conn, "SELECT id::text FROM files WHERE deleted_at IS NULL") {
		found, err := filepath.Glob(filepath.Join(elsewhere.dir, "blobs", "*", "files", "*", id))
		require.NoError(t, err)
		assert.Len(t, found, 1, "the bytes of a file")
	}
	t.Logf("%d leads before the backup began, %d in it, %d in the end", len(acked), len(leads), len(rows(t, live, "leads")))
}

// killedBackup kills a backup when it has begun, which is when Postgres makes it wait.
func (c *cluster) killedBackup(t *testing.T, s settings, conn *pgx.Conn) {
	t.Helper()
	to := filepath.Join(t.TempDir(), "killed.tar.gz")
	checkpointer := ask[int](t, conn, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")
	require.NoError(t, syscall.Kill(checkpointer, syscall.SIGSTOP))
	defer func() { assert.NoError(t, syscall.Kill(checkpointer, syscall.SIGCONT)) }()
	cmd := command(t, s, "backup", "--to", to)
	require.NoError(t, cmd.Start())
	apptest.Await(t, "the backup has begun", func() bool { return ask[int](t, conn, "SELECT count(*) FROM pg_stat_progress_basebackup") == 1 })
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	assert.NoFileExists(t, to)
	parts, err := filepath.Glob(to + ".partial-*")
	require.NoError(t, err)
	assert.Len(t, parts, 1)
}

// damaged sees that what is no whole backup, or one for others, is refused and leaves nothing.
func (c *cluster) damaged(t *testing.T, s settings, good string) {
	t.Helper()
	whole, err := os.ReadFile(good)
	require.NoError(t, err)
	flip := func(at int) []byte {
		b := bytes.Clone(whole)
		b[at] ^= 0x10
		return b
	}
	forge := func(name string, content any) []byte {
		var out bytes.Buffer
		w, err := archive.NewWriter(&out)
		require.NoError(t, err)
		b, err := json.Marshal(content)
		require.NoError(t, err)
		require.NoError(t, w.Add(archive.Member{Name: name, Size: int64(len(b))}, bytes.NewReader(b)))
		require.NoError(t, w.Close())
		return out.Bytes()
	}
	head := func(format, major int, platform string) map[string]any {
		return map[string]any{"format": format, "postgres_major": major, "platform": platform, "program": "1.0"}
	}
	here := runtime.GOOS + "/" + runtime.GOARCH
	for name, tt := range map[string]struct {
		content []byte
		says    string
	}{
		"nothing":              {nil, "damaged"},
		"cut at once":          {whole[:100], "damaged"},
		"cut in the middle":    {whole[:len(whole)/2], "damaged"},
		"cut at the end":       {whole[:len(whole)-1], "damaged"},
		"a bit in front":       {flip(40), "damaged"},
		"a bit in the middle":  {flip(len(whole) / 2), "damaged"},
		"a bit at the end":     {flip(len(whole) - 3), "damaged"},
		"something else":       {forge("readme.txt", "hello"), "no backup"},
		"of a later program":   {forge("rooftop-backup.json", head(2, 15, here)), "format 2"},
		"of another Postgres":  {forge("rooftop-backup.json", head(1, 99, here)), "PostgreSQL 99"},
		"of another machine":   {forge("rooftop-backup.json", head(1, 15, "plan9/mips")), "plan9/mips"},
		"without the Postgres": {forge("rooftop-backup.json", head(1, majorOf(t, whole), here)), "recover the cluster"},
	} {
		cmd := command(t, s, "restore", "--from", "-")
		cmd.Stdin = bytes.NewReader(tt.content)
		assert.Contains(t, refused(t, cmd), tt.says, name)
		assert.Empty(t, c.remains(t), name)
	}
}

// majorOf is the Postgres of a backup, as it says itself.
func majorOf(t *testing.T, backup []byte) int {
	t.Helper()
	r, err := archive.NewReader(bytes.NewReader(backup))
	require.NoError(t, err)
	m, content, err := r.Next()
	require.NoError(t, err)
	require.Equal(t, "rooftop-backup.json", m.Name)
	var head struct {
		PostgresMajor int `json:"postgres_major"`
	}
	require.NoError(t, json.NewDecoder(content).Decode(&head))
	return head.PostgresMajor
}

// killedRestore kills a restore that has half of the backup.
func (c *cluster) killedRestore(t *testing.T, s settings, good string) {
	t.Helper()
	whole, err := os.ReadFile(good)
	require.NoError(t, err)
	cmd := command(t, s, "restore", "--from", "-")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = in.Write(whole[:len(whole)/2])
	require.NoError(t, err)
	apptest.Await(t, "the restore has begun", func() bool {
		found, err := filepath.Glob(filepath.Join(c.home(), "restoring-*", "pgdata", "base", "*"))
		return err == nil && len(found) > 0
	})
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	assert.NoDirExists(t, c.pgdata())
	assert.NoDirExists(t, filepath.Join(c.dir, "blobs"))
}

// TestBackupByAnOrdinaryUser restores and backs up as a user without rights, whom root becomes for it.
func TestBackupByAnOrdinaryUser(t *testing.T) {
	t.Parallel()
	c, s := newCluster(t)
	s = s.with(settings{"PATH": onlyServer(t), "ROOFTOP_POSTGRES_REPOSITORY": pgcluster.RepositoryOff})
	p := start(t, s)
	a := newAccount(t, s, p.URL)
	a.Post("/v1/leads", enquiry(0)).Is(http.StatusCreated)
	kept := upload(a.Caller, "leaflet.txt")
	var backup bytes.Buffer
	cmd := command(t, s, "backup", "--to", "-")
	cmd.Stdout = &backup
	succeed(t, cmd)
	p.stop(t)
	c.wipe(t)

	as := func(cmd *exec.Cmd) *exec.Cmd {
		if os.Geteuid() == 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}
		return cmd
	}
	require.NoError(t, os.Mkdir(c.dir, 0o755))
	if os.Geteuid() == 0 {
		require.NoError(t, os.Chown(c.dir, 65534, 65534))
	}
	cmd = as(command(t, s, "restore", "--from", "-"))
	cmd.Stdin = &backup
	succeed(t, cmd)
	found, err := filepath.Glob(filepath.Join(c.dir, "blobs", "*", "files", "*", kept))
	require.NoError(t, err)
	require.Len(t, found, 1)
	content, err := os.ReadFile(found[0])
	require.NoError(t, err)
	assert.Equal(t, leaflet, string(content))
	cmd = as(command(t, s, "backup", "--to", "-"))
	cmd.Stdout = io.Discard
	succeed(t, cmd) // which starts what was restored, and stops it
	assert.Zero(t, c.postmaster())
}

func TestBackupOfAnothersPostgres(t *testing.T) {
	t.Parallel()
	s := common().with(settings{"ROOFTOP_DATABASE_URL": "postgres://owner:secret@db.example/rooftop", "ROOFTOP_DATA_DIR": t.TempDir()})
	for _, cmd := range []*exec.Cmd{command(t, s, "backup", "--to", filepath.Join(t.TempDir(), "x")), command(t, s, "restore", "--from", "x")} {
		said := refused(t, cmd)
		assert.Contains(t, said, "docs/operations.md")
		assert.NotContains(t, said, "secret")
		assert.Equal(t, 1, strings.Count(said, "\n"), "one line: %s", said)
	}
	s = common().with(settings{"ROOFTOP_DATA_DIR": t.TempDir()})
	assert.Contains(t, refused(t, command(t, s, "backup", "--to", "-")), "there is no private Postgres")
}
