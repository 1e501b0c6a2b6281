package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
	"github.com/rooftop-crm/rooftop/internal/platform/idem"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// postgresApp writes one dealership for each POST, whose name the body gives, through the real unit of work.
func postgresApp(t *testing.T) (*app, *db.DB) {
	t.Helper()
	d := dbtest.New(t)
	units := idem.New(d, time.Now)
	a := newApp(t)
	addAccount(t, d, a.actor.Account)
	insert := func(ctx context.Context, account kernel.AccountID, name string) (httpx.Reply, error) {
		id := kernel.NewID[kernel.DealershipID]()
		_, err := d.Exec(ctx, account, `INSERT INTO dealerships (account_id, id, name, country, time_zone, created_at, updated_at)
			VALUES ($1, $2, $3, 'FR', 'Europe/Paris', now(), now())`, account, id, name)
		if err != nil {
			return httpx.Reply{}, fmt.Errorf("insert a dealership: %w", err)
		}
		if name == "fails" {
			return httpx.Reply{}, errors.New("after the insert")
		}
		return httpx.Reply{Status: http.StatusCreated, Body: map[string]any{"id": id, "name": name}, Version: 1, Location: "/v1/dealerships/" + id.String()}, nil
	}
	type dealership struct {
		Name string `json:"name"`
	}
	a.echo.POST("/dealerships", func(c echo.Context) error {
		in, err := httpx.Bind[dealership](c)
		if err != nil {
			return err
		}
		account := httpx.ActorOf(c).Account
		return httpx.Write(c, units, account, func(ctx context.Context) (httpx.Reply, error) { return insert(ctx, account, in.Name) })
	})
	a.echo.POST("/dealerships/batch", func(c echo.Context) error {
		account := httpx.ActorOf(c).Account
		return httpx.Batch(c, units, account, func(ctx context.Context, in dealership) (httpx.Reply, error) { return insert(ctx, account, in.Name) })
	})
	return a, d
}

func addAccount(t *testing.T, d *db.DB, id kernel.AccountID) {
	t.Helper()
	_, err := d.ExecControl(t.Context(), `INSERT INTO accounts (id, name, created_at, updated_at) VALUES ($1, 'Group', now(), now())`, id)
	require.NoError(t, err)
}

func count(t *testing.T, d *db.DB, account kernel.AccountID, table string) (n int) {
	t.Helper()
	require.NoError(t, d.QueryRow(t.Context(), account, "SELECT count(*) FROM "+table, nil, &n))
	return n
}

func TestManyWritesWithOneKeyAreOne(t *testing.T) {
	t.Parallel()
	a, d := postgresApp(t)
	var wg sync.WaitGroup
	answers := make([]answer, 50)
	start := make(chan struct{})
	for i := range answers {
		wg.Go(func() {
			<-start
			answers[i] = a.do("POST", "/dealerships", `{"name":"Lyon"}`, header("Idempotency-Key", "k"))
		})
	}
	close(start)
	wg.Wait()
	bodies := map[string]bool{}
	for _, got := range answers {
		if got.StatusCode == 409 {
			assert.Equal(t, "idempotency.in_progress", got.problem(t).Code)
			assert.Equal(t, "1", got.Header.Get("Retry-After"))
			continue
		}
		assert.Equal(t, 201, got.StatusCode, got.body)
		bodies[got.body+got.Header.Get("Location")+got.Header.Get("ETag")] = true
	}
	assert.Len(t, bodies, 1)
	assert.Equal(t, 1, count(t, d, a.actor.Account, "dealerships"))

	again := a.do("POST", "/dealerships", `{"name":"Lyon"}`, header("Idempotency-Key", "k"))
	assert.Equal(t, "true", again.Header.Get("Idempotent-Replayed"))
	assert.True(t, bodies[again.body+again.Header.Get("Location")+again.Header.Get("ETag")])
	var touched bool
	require.NoError(t, d.QueryRow(t.Context(), a.actor.Account, "SELECT last_replayed_at IS NOT NULL FROM idempotency_keys", nil, &touched))
	assert.True(t, touched, "a replay writes, so that it waits for the same replicas")

	assert.Equal(t, 422, a.do("POST", "/dealerships", `{"name":"Nice"}`, header("Idempotency-Key", "k")).StatusCode)
}

func TestAKeyBelongsToItsCredentialAndAccount(t *testing.T) {
	t.Parallel()
	a, d := postgresApp(t)
	key := header("Idempotency-Key", "k")
	first := a.actor.Account
	assert.Equal(t, 201, a.do("POST", "/dealerships", `{"name":"Lyon"}`, key).StatusCode)
	a.actor.Credential = kernel.NewID[kernel.CredentialID]()
	assert.Equal(t, 201, a.do("POST", "/dealerships", `{"name":"Nice"}`, key).StatusCode)
	a.actor.Account = kernel.NewID[kernel.AccountID]()
	addAccount(t, d, a.actor.Account)
	assert.Equal(t, 201, a.do("POST", "/dealerships", `{"name":"Metz"}`, key).StatusCode)
	assert.Equal(t, 2, count(t, d, first, "dealerships"))
	assert.Equal(t, 1, count(t, d, a.actor.Account, "dealerships"))
}

func TestAFailedWriteLeavesNothing(t *testing.T) {
	t.Parallel()
	a, d := postgresApp(t)
	got := a.do("POST", "/dealerships", `{"name":"fails"}`, header("Idempotency-Key", "k"))
	assert.Equal(t, 500, got.StatusCode)
	assert.Zero(t, count(t, d, a.actor.Account, "dealerships"))
	assert.Zero(t, count(t, d, a.actor.Account, "idempotency_keys"))
	assert.Equal(t, 201, a.do("POST", "/dealerships", `{"name":"Lyon"}`, header("Idempotency-Key", "k")).StatusCode, "the key is free again")
}

func TestBatchItemsStandAlone(t *testing.T) {
	t.Parallel()
	a, d := postgresApp(t)
	body := `{"items":[{"name":"Lyon"},{"name":"fails"},{"nom":"x"},{"name":"Nice"}]}`
	for run := range 2 {
		got := a.do("POST", "/dealerships/batch", body, header("Idempotency-Key", "k"))
		require.Equal(t, 207, got.StatusCode)
		assert.Equal(t, 2, strings.Count(got.body, `"status":201`), got.body)
		assert.Equal(t, 2*run, strings.Count(got.body, `"replayed":true`))
		assert.Equal(t, 2, count(t, d, a.actor.Account, "dealerships"))
	}
}
