package db_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
)

// The reads compare the ways to one row by its key. The plain ones read as the owner, whom no policy binds, and set nothing.

func benchNote(b *testing.B, d *db.DB) note {
	b.Helper()
	n := newNote(newAccount(), "bench")
	require.NoError(b, d.Conn(context.Background(), n.AccountID).Create(&n).Error)
	return n
}

const readNote = "select account_id, id, partner_id, body, n, at from notes where account_id = $1 and id = $2"

func BenchmarkTakeThroughDriver(b *testing.B) {
	d := open(b)
	n := benchNote(b, d)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		var got note
		if err := d.Conn(ctx, n.AccountID).Where("account_id = ? AND id = ?", n.AccountID, n.ID).Take(&got).Error; err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTakePlainGorm(b *testing.B) {
	n := benchNote(b, open(b))
	pool, err := pgxpool.New(context.Background(), here(b).owner)
	require.NoError(b, err)
	defer pool.Close()
	g, err := gorm.Open(postgres.New(postgres.Config{Conn: stdlib.OpenDBFromPool(pool)}),
		&gorm.Config{SkipDefaultTransaction: true, Logger: logger.Discard})
	require.NoError(b, err)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		var got note
		if err := g.WithContext(ctx).Where("account_id = ? AND id = ?", n.AccountID, n.ID).Take(&got).Error; err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkQueryRow(b *testing.B) {
	d := open(b)
	n := benchNote(b, d)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		var got note
		if err := d.QueryRow(ctx, n.AccountID, readNote, []any{n.AccountID, n.ID},
			&got.AccountID, &got.ID, &got.PartnerID, &got.Body, &got.N, &got.At); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkQueryRowPlainBatch(b *testing.B) {
	n := benchNote(b, open(b))
	pool, err := pgxpool.New(context.Background(), here(b).app)
	require.NoError(b, err)
	defer pool.Close()
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		var got note
		var batch pgx.Batch
		batch.Queue("select set_config('app.account_id', $1, true)", n.AccountID.String())
		batch.Queue(readNote, n.AccountID, n.ID)
		res := pool.SendBatch(ctx, &batch)
		_, err := res.Exec()
		if err == nil {
			err = res.QueryRow().Scan(&got.AccountID, &got.ID, &got.PartnerID, &got.Body, &got.N, &got.At)
		}
		if err == nil {
			err = res.Close()
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkQueryRowPlainNoSetting(b *testing.B) {
	n := benchNote(b, open(b))
	pool, err := pgxpool.New(context.Background(), here(b).owner)
	require.NoError(b, err)
	defer pool.Close()
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		var got note
		if err := pool.QueryRow(ctx, readNote, n.AccountID, n.ID).
			Scan(&got.AccountID, &got.ID, &got.PartnerID, &got.Body, &got.N, &got.At); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTransactionOfFourWrites(b *testing.B) {
	d := open(b)
	n := benchNote(b, d)
	b.ReportAllocs()
	for b.Loop() {
		err := d.InTx(context.Background(), func(ctx context.Context) error {
			var id kernel.LeadID
			if err := d.QueryRow(ctx, n.AccountID, "select id from notes where account_id = $1 and id = $2 for update",
				[]any{n.AccountID, n.ID}, &id); err != nil {
				return err
			}
			for range 4 {
				if err := d.Queue(ctx, n.AccountID, "update notes set n = n + 1 where account_id = $1 and id = $2",
					[]any{n.AccountID, id}, nil, nil); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
