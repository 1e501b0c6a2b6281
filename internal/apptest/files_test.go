package apptest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/files"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/blob"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
	"github.com/rooftop-crm/rooftop/internal/platform/links"
)

const png = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89 and more"

func uploadFile(a *apptest.Account, name, media, content string, headers ...string) *apptest.Answer {
	return a.Send(http.MethodPost, "/v1/files?name="+url.QueryEscape(name), []byte(content), append([]string{"Content-Type", media}, headers...)...)
}

func sum(content string) string {
	h := sha256.Sum256([]byte(content))
	return hex.EncodeToString(h[:])
}

func TestAFileComesBackAsItWas(t *testing.T) {
	t.Parallel()
	a := apptest.New(t).Account(t)
	made := uploadFile(a, `C:\photos\Renée "1".png`, "image/png", png).Is(http.StatusCreated)
	assert.Equal(t, `Renée "1".png`, made.Str("name"))
	assert.Equal(t, "image/png", made.Str("content_type"))
	assert.Equal(t, sum(png), made.Str("sha256"))
	assert.InDelta(t, float64(len(png)), made.At("size"), 0)
	path := "/v1/files/" + made.Str("id")
	assert.Equal(t, path, made.Header.Get("Location"))
	a.Get(path, "If-None-Match", made.Header.Get("ETag")).Is(http.StatusNotModified)

	got := a.Get(path + "/content").Is(http.StatusOK)
	assert.Equal(t, png, string(got.Body))
	assert.Equal(t, "image/png", got.Header.Get("Content-Type"))
	assert.Equal(t, "nosniff", got.Header.Get("X-Content-Type-Options"))
	assert.Equal(t, "sandbox; default-src 'none'", got.Header.Get("Content-Security-Policy"))
	assert.Equal(t, "inline; filename*=utf-8''Ren%C3%A9e%20%221%22.png", got.Header.Get("Content-Disposition"))
	a.Get(path+"/content", "If-None-Match", got.Header.Get("ETag")).Is(http.StatusNotModified)
	for asked, want := range map[string]string{"bytes=0-7": png[:8], "bytes=8-": png[8:], "bytes=-4": "more", "bytes=10-9999": png[10:]} {
		part := a.Get(path+"/content", "Range", asked).Is(http.StatusPartialContent)
		assert.Equal(t, want, string(part.Body), asked)
	}
	for _, asked := range []string{"bytes=9999-", "bytes=0-1,3-4", "bytes=x-", "lines=1-2", "bytes=5-2", "bytes=-0"} {
		whole := a.Get(path+"/content", "Range", asked, "If-Match", `"other"`).Is(http.StatusOK)
		assert.Equal(t, png, string(whole.Body), asked)
	}
	assert.Equal(t, png, string(a.Get(path+"/content", "Range", "bytes=0-7", "If-Range", `"older"`).Is(http.StatusOK).Body))

	page := uploadFile(a, "page.html", "text/html", "<!DOCTYPE html><script>alert(1)</script>").Is(http.StatusCreated)
	shown := a.Get("/v1/files/" + page.Str("id") + "/content").Is(http.StatusOK)
	assert.True(t, strings.HasPrefix(shown.Header.Get("Content-Disposition"), "attachment"))
}

func TestUploadsAreRefusedForWhatTheyAre(t *testing.T) {
	t.Parallel()
	_, owner := dbtest.URLs(t)
	cfg := apptest.Config(t, owner)
	cfg.MaxDocument = 4096
	p := apptest.Start(t, cfg, owner)
	a := p.Account(t)
	assert.Equal(t, "file.type_mismatch", uploadFile(a, "a.png", "image/png", "<!DOCTYPE html><p>").Is(http.StatusUnsupportedMediaType).Code())
	uploadFile(a, "big.txt", "text/plain", strings.Repeat("x", 4097)).Is(http.StatusRequestEntityTooLarge)
	uploadFile(a, "fits.txt", "text/plain", strings.Repeat("x", 4096)).Is(http.StatusCreated)
	uploadFile(a, "", "text/plain", "x").Is(http.StatusBadRequest)
	a.Send(http.MethodPost, "/v1/files", []byte("x"), "Content-Type", "text/plain").Is(http.StatusUnprocessableEntity)
	uploadFile(a, "..", "text/plain", "x").Is(http.StatusUnprocessableEntity)
	uploadFile(a, "a\nb", "text/plain", "x").Is(http.StatusUnprocessableEntity)
	uploadFile(a, "a\u202eb", "text/plain", "x").Is(http.StatusUnprocessableEntity)
	uploadFile(a, "a.txt", "text/plain", "x", "Content-Encoding", "gzip").Is(http.StatusUnsupportedMediaType)
	assert.Len(t, a.Get("/v1/files").List("data"), 1)
	assert.Len(t, blobsIn(t, p), 1, "what was refused leaves nothing")
}

func blobsIn(t *testing.T, p *apptest.Program) (all []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(p.Blobs.Dir(), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, path)
		}
		return err
	}))
	return all
}

func filesForm(t *testing.T, parts ...[3]string) (body []byte, media string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		head := textproto.MIMEHeader{"Content-Disposition": {p[0]}, "Content-Type": {p[1]}}
		part, err := w.CreatePart(head)
		require.NoError(t, err)
		_, err = part.Write([]byte(p[2]))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes(), w.FormDataContentType()
}

func TestAFormHasOneFile(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	one := [3]string{`form-data; name="file"; filename="a.csv"`, "text/csv", "a;b\n1;2\n"}
	send := func(parts ...[3]string) *apptest.Answer {
		body, media := filesForm(t, parts...)
		return a.Send(http.MethodPost, "/v1/files", body, "Content-Type", media)
	}
	made := send(one).Is(http.StatusCreated)
	assert.Equal(t, "a.csv", made.Str("name"))
	assert.Equal(t, sum(one[2]), made.Str("sha256"))
	assert.Equal(t, "file.one_part", send(one, one).Is(http.StatusUnprocessableEntity).Code())
	send([3]string{`form-data; name="other"; filename="a.csv"`, "text/csv", "x"}).Is(http.StatusBadRequest)
	send().Is(http.StatusBadRequest)
	body, media := filesForm(t, one)
	a.Send(http.MethodPost, "/v1/files", body[:len(body)-20], "Content-Type", media).Is(http.StatusBadRequest)
	a.Send(http.MethodPost, "/v1/files?name=b.csv", body, "Content-Type", media).Is(http.StatusBadRequest)
	assert.Len(t, blobsIn(t, p), 1)
}

func TestAnUploadRepeatedIsOne(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	first := uploadFile(a, "a.txt", "text/plain", "the same", "Idempotency-Key", "k").Is(http.StatusCreated)
	again := uploadFile(a, "a.txt", "text/plain", "the same", "Idempotency-Key", "k").Is(http.StatusCreated)
	assert.Equal(t, string(first.Body), string(again.Body))
	assert.Equal(t, "true", again.Header.Get("Idempotent-Replayed"))
	uploadFile(a, "a.txt", "text/plain", "another", "Idempotency-Key", "k").Is(http.StatusUnprocessableEntity)
	uploadFile(a, "b.txt", "text/plain", "the same", "Idempotency-Key", "k").Is(http.StatusUnprocessableEntity)
	assert.Len(t, a.Get("/v1/files").List("data"), 1)
	assert.Len(t, blobsIn(t, p), 1)

	path := "/v1/files/" + first.Str("id")
	a.JSON(http.MethodDelete, path, nil, "If-Match", `"7"`).Is(http.StatusPreconditionFailed)
	a.JSON(http.MethodDelete, path, nil, "Idempotency-Key", "d").Is(http.StatusNoContent)
	a.JSON(http.MethodDelete, path, nil, "Idempotency-Key", "d").Is(http.StatusNoContent)
	a.JSON(http.MethodDelete, path, nil).Is(http.StatusNotFound)
	a.Get(path + "/content").Is(http.StatusNotFound)
	apptest.Await(t, "the bytes go", func() bool { return len(blobsIn(t, p)) == 0 })
	changes := a.Get("/v1/files/changes").Is(http.StatusOK)
	assert.Empty(t, changes.Str("data.0.name"))
	assert.NotEmpty(t, changes.Str("data.0.deleted_at"))
}

func TestLinksToFiles(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	id := uploadFile(a, "offer.txt", "text/plain", "the offer").Is(http.StatusCreated).Str("id")
	open := func(link string) *apptest.Answer {
		u, err := url.Parse(link)
		require.NoError(t, err)
		return p.Anonymous(t).Get(u.Path)
	}
	path := "/v1/files/" + id + "/links"
	first := a.Post(path, object{"expires_in_seconds": 3600}, "Idempotency-Key", "l").Is(http.StatusCreated)
	got := open(first.Str("url")).Is(http.StatusOK)
	assert.Equal(t, "the offer", string(got.Body))
	assert.Equal(t, "no-store", got.Header.Get("Cache-Control"))
	assert.Equal(t, "attachment; filename=offer.txt", got.Header.Get("Content-Disposition"))
	again := a.Post(path, object{"expires_in_seconds": 3600}, "Idempotency-Key", "l").Is(http.StatusCreated)
	assert.Nil(t, again.At("url"), "the secret is shown once")
	assert.Equal(t, first.Str("id"), again.Str("id"))
	second := a.Post(path, object{}).Is(http.StatusCreated)
	for _, wrong := range []int{0, 59, 2592001, -1} {
		a.Post(path, object{"expires_in_seconds": wrong}).Is(http.StatusUnprocessableEntity)
	}
	listed := a.Get(path + "?limit=1&count=exact").Is(http.StatusOK)
	assert.Equal(t, second.Str("id"), listed.Str("data.0.id"))
	assert.InDelta(t, 2, listed.At("total"), 0)
	assert.Equal(t, first.Str("id"), a.Get(path+"?limit=1&cursor="+listed.Str("next_cursor")).Str("data.0.id"))
	assert.NotContains(t, string(a.Get(path).Body), "/public/")

	a.JSON(http.MethodDelete, "/v1/file-links/"+first.Str("id"), nil).Is(http.StatusNoContent)
	a.JSON(http.MethodDelete, "/v1/file-links/"+first.Str("id"), nil).Is(http.StatusNoContent)
	gone := open(first.Str("url")).Is(http.StatusNotFound)
	never := p.Anonymous(t).Get("/v1/public/files/" + strings.Repeat("A", 43)).Is(http.StatusNotFound)
	assert.Equal(t, never.Str("code"), gone.Str("code"))
	assert.Equal(t, never.Str("detail"), gone.Str("detail"))
	open(second.Str("url")).Is(http.StatusOK)
	a.JSON(http.MethodDelete, "/v1/files/"+id, nil).Is(http.StatusNoContent)
	open(second.Str("url")).Is(http.StatusNotFound)
}

// later is the program's files by a clock that is ahead.
func later(p *apptest.Program, ahead time.Duration) *files.Service {
	deps := p.Files.Deps
	deps.Now = func() time.Time { return time.Now().Add(ahead) }
	deps.Links = links.NewStore(p.DB, deps.Now)
	return files.NewService(deps)
}

func TestAFileGoesWhenNothingUsesIt(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	ctx, actor := t.Context(), auth.System(a.ID)
	add := func(name string) kernel.FileID {
		id, err := kernel.ParseID[kernel.FileID](uploadFile(a, name, "text/plain", name).Is(http.StatusCreated).Str("id"))
		require.NoError(t, err)
		return id
	}
	there := func(id kernel.FileID) bool { return a.Get("/v1/files/"+id.String()).Status == http.StatusOK }
	used, freed, unused := add("used"), add("freed"), add("unused")
	car, other := files.Use{Resource: "vehicle", ID: uuid.New()}, files.Use{Resource: "vehicle", ID: uuid.New()}
	for _, id := range []kernel.FileID{used, freed} {
		require.NoError(t, p.Files.Attach(ctx, actor, id, car))
		require.NoError(t, p.Files.Attach(ctx, actor, id, car), "twice is once")
		require.NoError(t, p.Files.Attach(ctx, actor, id, other))
	}
	got := a.Get("/v1/files/" + used.String())
	assert.Nil(t, got.At("expires_at"))
	assert.Equal(t, "file.in_use", a.JSON(http.MethodDelete, "/v1/files/"+used.String(), nil).Is(http.StatusConflict).Code())
	require.NoError(t, p.Files.Detach(ctx, actor, freed, car))
	assert.Nil(t, a.Get("/v1/files/"+freed.String()).At("expires_at"), "something uses it still")
	require.NoError(t, p.Files.Detach(ctx, actor, freed, other))
	assert.NotNil(t, a.Get("/v1/files/"+freed.String()).At("expires_at"))

	for _, id := range []kernel.FileID{used, freed, unused} {
		require.NoError(t, later(p, 6*24*time.Hour).Unused(ctx, a.ID, uuid.UUID(id)))
		assert.True(t, there(id), "its time is not up")
		require.NoError(t, later(p, 8*24*time.Hour).Unused(ctx, a.ID, uuid.UUID(id)))
		require.NoError(t, later(p, 8*24*time.Hour).Unused(ctx, a.ID, uuid.UUID(id)), "once more does nothing")
	}
	assert.True(t, there(used))
	assert.False(t, there(freed))
	assert.False(t, there(unused))
	require.ErrorIs(t, p.Files.Attach(ctx, actor, freed, car), files.ErrNotFound)
	require.ErrorIs(t, p.Files.Attach(ctx, auth.System(p.Account(t).ID), used, car), files.ErrNotFound, "another account's")
}

// Of a file that is taken into use and deleted at once, one or the other happens.
func TestUseAndDeletionAtOnce(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	for range 8 {
		id, err := kernel.ParseID[kernel.FileID](uploadFile(a, "a.txt", "text/plain", "x").Is(http.StatusCreated).Str("id"))
		require.NoError(t, err)
		var attached error
		var deleted *apptest.Answer
		var at sync.WaitGroup
		at.Go(func() {
			attached = p.Files.Attach(context.Background(), auth.System(a.ID), id, files.Use{Resource: "lead", ID: uuid.New()})
		})
		at.Go(func() { deleted, err = a.Do(context.Background(), http.MethodDelete, "/v1/files/"+id.String(), nil) })
		at.Wait()
		require.NoError(t, err)
		if attached == nil {
			assert.Equal(t, http.StatusConflict, deleted.Status)
		} else {
			require.ErrorIs(t, attached, files.ErrNotFound)
			assert.Equal(t, http.StatusNoContent, deleted.Status)
		}
	}
}

func TestBytesWithoutAFileAreSwept(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a, b := p.Account(t), p.Account(t)
	uploadFile(a, "kept.txt", "text/plain", "kept").Is(http.StatusCreated)
	for _, key := range []string{blob.Key(a.ID, "files", uuid.New()), blob.Key(a.ID, "photos", uuid.New()), blob.Key(b.ID, "files", uuid.New())} {
		_, err := p.Blobs.Write(t.Context(), key, strings.NewReader("left"), 10, "")
		require.NoError(t, err)
	}
	n, err := p.Files.Sweep(t.Context(), a.ID)
	require.NoError(t, err)
	assert.Zero(t, n, "too young: it may be an upload under way")
	n, err = later(p, 25*time.Hour).Sweep(t.Context(), a.ID)
	require.NoError(t, err)
	assert.Equal(t, 1, n, "of this room and this account, without a row")
	assert.Len(t, blobsIn(t, p), 3)
	require.NoError(t, later(p, 25*time.Hour).ScheduleSweeps(t.Context()))
}

// A file may be fetched in place of being sent: it is then as an upload is, and its job says why it is not there.
func TestAFileFromAURL(t *testing.T) {
	t.Parallel()
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/photos/front.png":
			w.Header().Set("Content-Type", "image/png")
			_, _ = w.Write([]byte(png))
		case "/":
			w.Header().Set("Content-Type", "application/octet-stream")
			_, _ = w.Write([]byte(png))
		case "/script.png":
			w.Header().Set("Content-Type", "image/png")
			_, _ = w.Write([]byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`))
		case "/endless":
			for part := bytes.Repeat([]byte("x"), 1<<16); ; {
				if _, err := w.Write(part); err != nil {
					return
				}
			}
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(host.Close)
	_, ownerURL := dbtest.URLs(t)
	cfg := apptest.Config(t, ownerURL)
	cfg.OutboundAllow = strings.TrimPrefix(host.URL, "http://")
	a := apptest.Start(t, cfg, ownerURL).Account(t)
	fetched := func(body object) (job, accepted *apptest.Answer) {
		accepted = a.Post("/v1/files/fetch", body)
		return followed(t, a.Caller, accepted), accepted
	}

	for name, body := range map[string]object{
		"front.png": {"url": host.URL + "/photos/front.png?key=a-secret"},
		"file":      {"url": host.URL + "/?key=a-secret"},
		"Avant.png": {"url": host.URL + "/photos/front.png?key=a-secret", "name": "Avant.png"},
	} {
		job, accepted := fetched(body)
		assert.Equal(t, "succeeded", job.Str("status"), "%s", job.Body)
		assert.Equal(t, accepted.Str("id"), job.Str("result.file_id"))
		path := "/v1/files/" + accepted.Str("id")
		got := a.Get(path).Is(http.StatusOK)
		assert.Equal(t, name, got.Str("name"))
		assert.Equal(t, "image/png", got.Str("content_type"))
		assert.Equal(t, sum(png), got.Str("sha256"))
		assert.Equal(t, png, string(a.Get(path+"/content").Is(http.StatusOK).Body))
		assert.NotContains(t, string(a.Get("/v1/jobs").Body)+string(a.Get("/v1/events").Body), "a-secret")
	}
	there := len(a.Get("/v1/files").List("data"))
	for path, code := range map[string]string{"/script.png": "file.type_mismatch", "/endless": "fetch.too_large", "/absent": "fetch.bad_status"} {
		job, accepted := fetched(object{"url": host.URL + path})
		assert.Equal(t, "failed", job.Str("status"), path)
		assert.Equal(t, code, job.Str("error.code"), path)
		a.Get("/v1/files/" + accepted.Str("id")).Is(http.StatusNotFound)
	}
	assert.Len(t, a.Get("/v1/files").List("data"), there)
	for pointer, body := range map[string]object{"/url": {"url": "https://169.254.169.254/latest"}, "/name": {"url": host.URL + "/x", "name": ".."}} {
		assert.Equal(t, pointer, a.Post("/v1/files/fetch", body).Is(http.StatusUnprocessableEntity).Str("errors.0.pointer"))
	}
	key := []string{"Idempotency-Key", uuid.NewString()}
	first := a.Post("/v1/files/fetch", object{"url": host.URL + "/photos/front.png"}, key...).Is(http.StatusAccepted)
	assert.Equal(t, first.Body, a.Post("/v1/files/fetch", object{"url": host.URL + "/photos/front.png"}, key...).Is(http.StatusAccepted).Body)
}
