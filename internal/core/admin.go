package core

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/idem"
)

// The functions of this file are for the operator at the command line. No request reaches them.

// ErrHasAdmin is the answer to a first administrator where there is one.
var ErrHasAdmin = errs.New(errs.Conflict, "account.has_admin",
	"This account has an administrator, who adds users at POST /v1/users.")

// NewAccount is an account to be made. Empty fields take the defaults of a French dealer group.
type NewAccount struct {
	Name, Country, Language, TimeZone, Currency string
}

// CreateAccount makes an account, with its recurring work.
func (s *Service) CreateAccount(ctx context.Context, n NewAccount) (Account, error) {
	now := s.Now()
	a := Account{
		ID: kernel.NewID[kernel.AccountID](), Version: 1, CreatedAt: now, UpdatedAt: now,
		AccountDetails: AccountDetails{
			Name: n.Name, Country: or(n.Country, "FR"), Language: or(n.Language, "fr"),
			TimeZone: or(n.TimeZone, "Europe/Paris"), Currency: or(n.Currency, "EUR"),
		},
	}
	if err := a.Validate(); err != nil {
		return Account{}, err
	}
	return a, s.Units.InTx(ctx, func(ctx context.Context) error {
		if err := s.Control.InsertAccount(ctx, a); err != nil {
			return err
		}
		if err := s.Work.Schedule(ctx, a.ID, PurgeIdempotencyKeys, uuid.UUID(a.ID), now.Add(idem.TTL)); err != nil {
			return err
		}
		return s.write(ctx, a.ID, auth.System(a.ID), now, change{ResourceAccount, "created", uuid.UUID(a.ID), 1, nil, nil, a.open()})
	})
}

func or(given, otherwise string) string {
	if given == "" {
		return otherwise
	}
	return given
}

// CreateFirstAdmin adds the first administrator of an account. It works once: it fails with ErrHasAdmin when the account
// has an administrator who can sign in.
func (s *Service) CreateFirstAdmin(ctx context.Context, account kernel.AccountID, n NewUser) (User, error) {
	n.Roles, n.Disabled = []RoleAt{{Role: auth.RoleAdmin}}, false
	var out User
	err := s.Units.InTx(ctx, func(ctx context.Context) error {
		if err := s.Control.LockAccount(ctx, account); err != nil {
			return err
		}
		admins, err := s.Store.OtherAdmins(ctx, account, kernel.UserID{})
		if err != nil {
			return err
		}
		if admins > 0 {
			return ErrHasAdmin
		}
		out, err = s.CreateUser(ctx, auth.System(account), n)
		return err
	})
	return out, err
}

// IssuedClient is a partner with the secret of its client, which is shown this once.
type IssuedClient struct {
	Partner
	ClientID     string
	ClientSecret string
}

// CreatePartner adds a partner and the client by which it signs in. It fails with ErrPartnerCodeTaken.
func (s *Service) CreatePartner(ctx context.Context, name, code string) (IssuedClient, error) {
	now := s.Now()
	p := Partner{ID: kernel.NewID[kernel.PartnerID](), Name: name, Code: code, CreatedAt: now, UpdatedAt: now}
	if err := p.Validate(); err != nil {
		return IssuedClient{}, err
	}
	secret, c := s.newClient(p, now)
	err := s.Units.InTx(ctx, func(ctx context.Context) error {
		if err := s.Control.InsertPartner(ctx, p); err != nil {
			return err
		}
		return s.Control.InsertCredential(ctx, c)
	})
	return IssuedClient{Partner: p, ClientID: c.ClientID, ClientSecret: secret.Text}, err
}

// ReissuePartner gives a partner a new client and ends those it had, within ten seconds on every process. It fails with
// ErrNotFound.
func (s *Service) ReissuePartner(ctx context.Context, code string) (IssuedClient, error) {
	var out IssuedClient
	err := s.Units.InTx(ctx, func(ctx context.Context) error {
		now := s.Now()
		p, err := s.Control.PartnerByCode(ctx, code)
		if err != nil {
			return err
		}
		if err := s.Control.RevokeClients(ctx, p.ID, now); err != nil {
			return err
		}
		secret, c := s.newClient(p, now)
		out = IssuedClient{Partner: p, ClientID: c.ClientID, ClientSecret: secret.Text}
		return s.Control.InsertCredential(ctx, c)
	})
	return out, err
}

// newClient makes the credential by which a partner signs in.
func (s *Service) newClient(p Partner, now time.Time) (auth.Key, Credential) {
	secret := auth.NewKey(auth.KeyOEM, false)
	c := Credential{
		ID: kernel.NewID[kernel.CredentialID](), Kind: auth.KindPartner, Name: p.Name, SecretHash: secret.Hash(), Partner: p.ID,
		Scopes: auth.PartnerScopes(), RatePerMinute: s.DefaultQuota, TokenVersion: 1, CreatedAt: now,
	}
	c.ClientID = "partner_" + c.ID.String()
	return secret, c
}

// RotateSigningKey makes a new key for access tokens. See auth.Keys.Rotate.
func (s *Service) RotateSigningKey(ctx context.Context) error { return s.Keys.Rotate(ctx) }
