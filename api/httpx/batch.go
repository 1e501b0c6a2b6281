package httpx

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/idem"
)

// MaxBatch is how many items one batch may have.
const MaxBatch = 500

// BatchItems is the body of a batch.
type BatchItems[T any] struct {
	Items []T `json:"items" validate:"required,min=1,max=500"`
} //	@name	BatchItems

// BatchOf is the answer to a batch: one result for each item, in order.
type BatchOf[T any] struct {
	Results []BatchResultOf[T] `json:"results"`
} //	@name	BatchAnswer

// BatchResultOf is the outcome of one item. It has a body or a problem, and neither when the status is 204.
type BatchResultOf[T any] struct {
	Index    int    `json:"index" validate:"required" example:"0"`
	Status   int    `json:"status" validate:"required" example:"201"`
	ETag     string `json:"etag,omitempty" example:"\"7\""`
	Location string `json:"location,omitempty" format:"uri-reference"`
	// Replayed says that the item was done before, under the same Idempotency-Key.
	Replayed bool     `json:"replayed,omitempty"`
	Body     T        `json:"body,omitempty"`
	Problem  *Problem `json:"problem,omitempty"`
} //	@name	BatchResult

// rawItems is a batch whose items are looked at one by one, each with its own problem.
type rawItems struct {
	Items []json.RawMessage `json:"items"`
}

// BatchResult is a result whose body is JSON already.
type BatchResult = BatchResultOf[json.RawMessage]

// Batch reads {"items": […]} of 1 to MaxBatch items and runs one for each, in order, each in a transaction of its own and
// under the request's Idempotency-Key with the item's index. It answers 207 with a result for each item in order. An item
// that is wrong is a problem of its own, whose pointers begin at the item; the others are not touched by it. Each item counts as a
// request against the quota; a batch that does not fit in what is left of it is refused as a whole.
func Batch[T any](c echo.Context, u Units, account kernel.AccountID, one func(ctx context.Context, item T) (Reply, error)) error {
	return BatchOver(c, u, func(_ context.Context, item T) (Unit, error) {
		return Unit{Account: account, Work: func(ctx context.Context) (Reply, error) { return one(ctx, item) }}, nil
	})
}

// Unit is the work of one item, and the account it is done in.
type Unit struct {
	Account kernel.AccountID
	Work    func(ctx context.Context) (Reply, error)
}

// BatchOver is Batch for a caller whose items may belong to different accounts: prepare tells, before the item's
// transaction begins, what it is about.
func BatchOver[T any](c echo.Context, u Units, prepare func(ctx context.Context, item T) (Unit, error)) error {
	if err := acceptJSON(c); err != nil {
		return err
	}
	in, err := Bind[rawItems](c)
	if err != nil {
		return err
	}
	if n := len(in.Items); n == 0 || n > MaxBatch {
		return errs.InvalidFields(errs.Field{
			Pointer: "/items", Code: "wrong_length", Detail: "Must have 1 to " + strconv.Itoa(MaxBatch) + " entries.",
		})
	}
	key, err := IdempotencyKey(c)
	if err != nil {
		return err
	}
	x := Of(c)
	if more := len(in.Items) - 1; more > 0 && x.charge != nil { // the first is the request itself
		if err := x.charge(c, more); err != nil {
			return err
		}
	}
	b := batch[T]{c: c, x: x, units: u, key: key, prepare: prepare}
	out := BatchOf[json.RawMessage]{Results: make([]BatchResult, len(in.Items))}
	for i, raw := range in.Items {
		out.Results[i] = b.item(i, raw)
	}
	body, err := marshal(out)
	if err != nil {
		return err
	}
	return send(c, http.StatusMultiStatus, contentTypeJSON, body)
}

type batch[T any] struct {
	c       echo.Context
	x       *Exchange
	units   Units
	key     string
	prepare func(ctx context.Context, item T) (Unit, error)
	down    error // the database went away: the items after it are not tried
}

func (b *batch[T]) item(i int, raw json.RawMessage) (out BatchResult) {
	answer, err := b.run(i, raw)
	out.Index = i
	if err != nil {
		ctx := b.c.Request().Context()
		public, here := classify(context.WithoutCancel(ctx), err)
		if public.Kind == errs.Unavailable {
			b.down = err
		}
		if here && b.x.edge != nil {
			b.x.edge.report(ctx, b.x, public, fmt.Errorf("item %d: %w", i, err))
		}
		p := problemOf(public, b.x.RequestID)
		out.Status, out.Problem = p.Status, &p
		return out
	}
	out.Status, out.Replayed = answer.Status, answer.Replayed
	out.ETag, out.Location = answer.Header["Etag"], answer.Header["Location"]
	if len(answer.Body) > 0 {
		out.Body = answer.Body
	}
	return out
}

func (b *batch[T]) run(i int, raw json.RawMessage) (idem.Answer, error) {
	if b.down != nil {
		return idem.Answer{}, b.down
	}
	ctx := b.c.Request().Context()
	if err := ctx.Err(); err != nil {
		return idem.Answer{}, errTimeout.Saying("The time for this batch was up before this item. Send it again.").Because(err)
	}
	item, err := decode[T](raw)
	if err != nil {
		return idem.Answer{}, err
	}
	unit, err := b.prepare(ctx, item)
	if err != nil {
		return idem.Answer{}, err
	}
	claim := idem.Claim{}
	if b.key != "" {
		claim = idem.Claim{
			Credential: b.x.actor.Credential, Key: b.key + "#" + strconv.Itoa(i), Fingerprint: Fingerprint(b.c, raw),
		}
	}
	return b.units.Do(context.WithoutCancel(ctx), unit.Account, claim, func(ctx context.Context) (idem.Answer, error) {
		r, err := unit.Work(ctx)
		if err != nil {
			return idem.Answer{}, err
		}
		return render(r)
	})
}
