package core

import (
	"context"
	"errors"
	"time"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/jobs"
)

const (
	// handOverAtOnce is how many leads change hands within the request; a job does the others.
	handOverAtOnce = 100
	// handOverPart is how many the job does in one transaction.
	handOverPart = 50
	// stragglersAfter is when a job looks for leads that were given to the user while they were deactivated.
	stragglersAfter = time.Minute
)

// Desk is where people's work lies, as core needs it.
type Desk interface {
	// HandOver gives up to limit of a user's open leads to another user, or to the pool when to is zero. A lead that the
	// other one cannot work on goes to the pool.
	HandOver(ctx context.Context, actor auth.Actor, from, to kernel.UserID, limit int) (HandedOver, error)
}

// HandedOver is what became of a user's open leads.
type HandedOver struct {
	Leads  int  // that changed hands
	ToPool int  // of them, those that nobody has now
	More   bool // there are further ones
}

// Deactivation is a user who can no longer sign in, and what they leave behind.
type Deactivation struct {
	User User
	HandedOver
	Keys []APIKey // that they made and that still work
}

// HandOverJob hands over what a deactivated user still has.
type HandOverJob struct {
	User kernel.UserID `json:"user_id"`
	To   kernel.UserID `json:"to_user_id"`
	By   kernel.UserID `json:"by_user_id"` // zero: a machine, or the operator
}

// Kind implements jobs.Args.
func (HandOverJob) Kind() string { return "core.hand_over" }

// DeactivateUser disables a user, which ends their sessions, and hands their open leads over: to a colleague, to the pool
// when to is the zero id, to nobody when to is nil. What is too much for one transaction is finished by a job. It fails
// with ErrLastAdmin, and with a field error when the colleague cannot take leads.
func (s *Service) DeactivateUser(
	ctx context.Context, actor auth.Actor, id kernel.UserID, ifMatch *int64, to *kernel.UserID,
) (Deactivation, error) {
	if err := requireAccountWide(actor, auth.UsersWrite); err != nil {
		return Deactivation{}, err
	}
	var out Deactivation
	err := s.Units.InTx(ctx, func(ctx context.Context) error {
		var err error
		out = Deactivation{}
		out.User, err = s.changeUser(ctx, actor, id, "deactivated", loginChange{}, func(u *User) ([]string, error) {
			if u.DeletedAt != nil {
				return nil, ErrNotFound
			}
			if err := checkVersion(ifMatch, u.Version); err != nil || u.Disabled {
				return nil, err
			}
			u.Disabled = true
			return []string{"disabled"}, nil
		})
		if err != nil {
			return err
		}
		if out.Keys, err = s.Store.APIKeysMadeBy(ctx, actor.Account, id); err != nil || to == nil {
			return err
		}
		if err := s.checkHeir(ctx, actor.Account, id, *to); err != nil {
			return err
		}
		if out.HandedOver, err = s.Desk.HandOver(ctx, acrossTheAccount(actor), id, *to, handOverAtOnce); err != nil {
			return err
		}
		// Also when there is no more: somebody may be giving the user a lead just now.
		job, at := HandOverJob{User: id, To: *to, By: actor.User}, s.Now().Add(stragglersAfter)
		if out.More {
			at = s.Now()
		}
		_, err = s.Jobs.Insert(ctx, actor.Account, job, jobs.Options{At: at})
		return err
	})
	return out, err
}

// acrossTheAccount lets who may manage users move what they leave behind, whatever leads they see themselves.
func acrossTheAccount(actor auth.Actor) auth.Actor {
	actor.Scopes, actor.At, actor.Limited, actor.OwnLeadsOnly = auth.AllScopes(), nil, false, false
	return actor
}

func (s *Service) checkHeir(ctx context.Context, account kernel.AccountID, from, to kernel.UserID) error {
	if to.IsZero() {
		return nil
	}
	u, err := s.Store.User(ctx, account, to)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if err != nil || to == from || u.Disabled || u.DeletedAt != nil || !u.reach().Has(auth.LeadsWrite) {
		var w wrong
		w.add("/hand_over_to", "not_assignable", "Name a user of this account who can sign in and work on leads, or give null for the pool.")
		return w.err()
	}
	return nil
}

// GoOnHandingOver does one part of a HandOverJob and tells whether there is more. A user who was reactivated keeps the rest.
func (s *Service) GoOnHandingOver(ctx context.Context, account kernel.AccountID, job HandOverJob) (more bool, err error) {
	u, err := s.Store.User(ctx, account, job.User)
	if err != nil || (!u.Disabled && u.DeletedAt == nil) {
		return false, err
	}
	actor := auth.System(account)
	if !job.By.IsZero() {
		by, err := s.Store.User(ctx, account, job.By)
		if err != nil {
			return false, err
		}
		actor.Kind, actor.User, actor.Name = auth.KindUser, by.ID, by.FullName()
	}
	switch err := s.checkHeir(ctx, account, job.User, job.To); {
	case errs.IsKind(err, errs.Invalid):
		job.To = kernel.UserID{} // the colleague has left meanwhile: the pool has it
	case err != nil:
		return false, err
	}
	err = s.Units.InTx(ctx, func(ctx context.Context) error {
		done, err := s.Desk.HandOver(ctx, actor, job.User, job.To, handOverPart)
		more = done.More
		return err
	})
	return more, err
}

// ReactivateUser lets a disabled user sign in again, with the password they had.
func (s *Service) ReactivateUser(ctx context.Context, actor auth.Actor, id kernel.UserID, ifMatch *int64) (User, error) {
	if err := requireAccountWide(actor, auth.UsersWrite); err != nil {
		return User{}, err
	}
	var out User
	err := s.Units.InTx(ctx, func(ctx context.Context) error {
		var err error
		out, err = s.changeUser(ctx, actor, id, "reactivated", loginChange{}, func(u *User) ([]string, error) {
			if u.DeletedAt != nil {
				return nil, ErrNotFound
			}
			if err := checkVersion(ifMatch, u.Version); err != nil || !u.Disabled {
				return nil, err
			}
			u.Disabled = false
			return []string{"disabled"}, nil
		})
		return err
	})
	return out, err
}
