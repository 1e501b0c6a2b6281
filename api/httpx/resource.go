package httpx

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
)

// ReadOne answers a GET of one resource by its id.
func ReadOne[I ~[16]byte, T any](
	c echo.Context, sample any, find func(context.Context, auth.Actor, I) (T, error), reply func(T) Reply,
) error {
	id, err := PathID[I](c, "id")
	if err != nil {
		return err
	}
	q := NewQuery(c)
	q.Fields(sample)
	if err := q.Err(); err != nil {
		return err
	}
	found, err := find(c.Request().Context(), ActorOf(c), id)
	if err != nil {
		return err
	}
	return One(c, q, reply(found))
}

// OnOne runs a write on one resource by its id, with the version that the caller saw.
func OnOne[I ~[16]byte](
	c echo.Context, u Units, work func(ctx context.Context, actor auth.Actor, id I, ifMatch *int64) (Reply, error),
) error {
	id, err := PathID[I](c, "id")
	if err != nil {
		return err
	}
	ifMatch, err := IfMatch(c)
	if err != nil {
		return err
	}
	actor := ActorOf(c)
	return Write(c, u, actor.Account, func(ctx context.Context) (Reply, error) {
		return work(ctx, actor, id, ifMatch)
	})
}

// Follow answers a step of a feed of changes.
func Follow[T, W any](
	c echo.Context, read func(context.Context, auth.Actor, outbox.Cursor, int) (outbox.Changes[T], error), wire func(T) W,
) error {
	q := NewQuery(c)
	cursor, limit := q.Changes()
	if err := q.Err(); err != nil {
		return err
	}
	got, err := read(c.Request().Context(), ActorOf(c), cursor, limit)
	if err != nil {
		return err
	}
	return Changes(c, q, outbox.Changes[W]{Items: Mapped(got.Items, wire), Next: got.Next, More: got.More})
}

// Mapped never gives nil, which would be null on the wire.
func Mapped[T, U any](in []T, f func(T) U) []U {
	out := make([]U, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}
