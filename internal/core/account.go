package core

import (
	"context"
	"encoding/json"
	"regexp"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/schema"
)

// Account is a dealer group: the tenant.
type Account struct {
	ID      kernel.AccountID
	Version int64
	AccountDetails
	CreatedAt time.Time
	UpdatedAt time.Time
}

// AccountDetails is what an account may change of itself.
type AccountDetails struct {
	Name           string
	Country        string // ISO 3166-1 alpha-2: how numbers without a prefix are read
	Language       string // BCP 47
	TimeZone       string // IANA
	Currency       string // ISO 4217
	RequireIfMatch bool   // changes must name the version they change
	// RequireSecondFactor leaves users without a second factor nothing to do but to set one up.
	RequireSecondFactor bool
	// CustomSchemas holds a JSON Schema for custom, by resource: "lead", "contact" and so on.
	CustomSchemas map[string]any
}

var currencyForm = regexp.MustCompile(`^[A-Z]{3}$`)

// Validate brings the details into their stored form. It fails with every bad field at once.
func (d *AccountDetails) Validate() error {
	var w wrong
	w.text("/name", &d.Name, maxName, true)
	w.country("/country", &d.Country)
	w.language("/language", &d.Language)
	w.timeZone("/time_zone", d.TimeZone)
	if !currencyForm.MatchString(d.Currency) {
		w.add("/currency", "invalid", "Give a currency as ISO 4217 does, such as EUR.")
	}
	if text, err := json.Marshal(d.CustomSchemas); err != nil || len(text) > 8*maxCustom {
		w.add("/custom_schemas", "too_large", "The schemas are too large.")
	} else if e, ok := errs.As(schema.Check(d.CustomSchemas)); ok {
		w.fields = append(w.fields, e.Fields...)
	}
	return w.err()
}

func (d AccountDetails) diff(o AccountDetails) []string {
	var c diff
	c.add("name", d.Name == o.Name)
	c.add("country", d.Country == o.Country)
	c.add("language", d.Language == o.Language)
	c.add("time_zone", d.TimeZone == o.TimeZone)
	c.add("currency", d.Currency == o.Currency)
	c.add("require_if_match", d.RequireIfMatch == o.RequireIfMatch)
	c.add("require_second_factor", d.RequireSecondFactor == o.RequireSecondFactor)
	c.add("custom_schemas", sameJSON(d.CustomSchemas, o.CustomSchemas))
	return c.names
}

// FindAccount reads the actor's account.
func (s *Service) FindAccount(ctx context.Context, actor auth.Actor) (Account, error) {
	if err := actor.Require(auth.AccountRead); err != nil {
		return Account{}, err
	}
	return s.Control.Account(ctx, actor.Account)
}

// UpdateAccount changes the actor's account.
func (s *Service) UpdateAccount(ctx context.Context, actor auth.Actor, ifMatch *int64, edit func(*AccountDetails)) (Account, error) {
	if err := requireAccountWide(actor, auth.AccountWrite); err != nil {
		return Account{}, err
	}
	var out Account
	err := s.Units.InTx(ctx, func(ctx context.Context) error {
		now := s.Now()
		var changed []string
		var before Account
		var err error
		out, err = s.Control.UpdateAccount(ctx, actor.Account, func(a *Account) (bool, error) {
			before = *a
			if err := checkVersion(ifMatch, a.Version); err != nil {
				return false, err
			}
			if edit(&a.AccountDetails); a.Validate() != nil {
				return false, a.Validate()
			}
			if changed = a.diff(before.AccountDetails); len(changed) == 0 {
				return false, nil
			}
			a.Version, a.UpdatedAt = a.Version+1, now
			return true, nil
		})
		if err != nil || len(changed) == 0 {
			return err
		}
		return s.write(ctx, out.ID, actor, now, change{
			ResourceAccount, "updated", uuid.UUID(out.ID), out.Version, changed, before.open(), out.open(),
		})
	})
	return out, err
}
