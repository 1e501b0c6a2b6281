package db

import (
	"context"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/rooftop-crm/rooftop/internal/kernel"
)

// scope is whose rows a statement may see. Both values are sent with every message; a zero one is sent as ”.
type scope struct {
	account kernel.AccountID
	partner kernel.PartnerID
}

func (s scope) isZero() bool { return s == scope{} }

// grow merges another statement's scope into the transaction's. A value may be added, never replaced.
func (s scope) grow(by scope) (scope, error) {
	if !by.account.IsZero() {
		if !s.account.IsZero() && s.account != by.account {
			return s, ErrTenantChanged
		}
		s.account = by.account
	}
	if !by.partner.IsZero() {
		if !s.partner.IsZero() && s.partner != by.partner {
			return s, ErrTenantChanged
		}
		s.partner = by.partner
	}
	return s, nil
}

// setting writes the text form of an id for set_config, ” for the zero one.
func setting(id uuid.UUID) []byte {
	if id == uuid.Nil {
		return []byte{}
	}
	text, _ := id.MarshalText() // never fails
	return text
}

type (
	partnerKey struct{}
	callKey    struct{}
)

// WithPartner adds the partner to the scope of every statement made with the context, besides its account.
func WithPartner(ctx context.Context, partner kernel.PartnerID) context.Context {
	return context.WithValue(ctx, partnerKey{}, partner)
}

// inAccount is the scope of a statement for the account, with the context's partner.
func inAccount(ctx context.Context, account kernel.AccountID) (scope, error) {
	if account.IsZero() {
		return scope{}, ErrNoTenant
	}
	partner, _ := ctx.Value(partnerKey{}).(kernel.PartnerID)
	return scope{account: account, partner: partner}, nil
}

// call carries the scope of gorm's statements through database/sql, which hands the context on and nothing else.
type call struct {
	context.Context
	db    *DB
	scope scope
}

func (c *call) Value(key any) any {
	if key == (callKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// Conn is gorm inside the account, and inside the context's transaction when there is one. Each statement without a
// transaction is one of its own. A zero account gives ErrNoTenant on use, another one than the transaction's
// ErrTenantChanged. gorm's Connection pins nothing; its Transaction is a savepoint inside InTx.
func (d *DB) Conn(ctx context.Context, account kernel.AccountID) *gorm.DB {
	sc, err := inAccount(ctx, account)
	return d.session(ctx, sc, err)
}

// Partner is gorm inside the partner alone, for tables whose policy reads app.partner_id. A zero partner gives ErrNoTenant.
func (d *DB) Partner(ctx context.Context, partner kernel.PartnerID) *gorm.DB {
	var err error
	if partner.IsZero() {
		err = ErrNoTenant
	}
	return d.session(ctx, scope{partner: partner}, err)
}

// Control is gorm for control-plane tables: it sets no scope, so tenant tables show no rows and take none.
// Inside a transaction it keeps the transaction's scope.
func (d *DB) Control(ctx context.Context) *gorm.DB {
	return d.session(ctx, scope{}, nil)
}

func (d *DB) session(ctx context.Context, sc scope, err error) *gorm.DB {
	g := d.gorm.WithContext(&call{Context: ctx, db: d, scope: sc})
	if err != nil {
		g.Error = err
	}
	return g
}
