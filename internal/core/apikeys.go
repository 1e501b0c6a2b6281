package core

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// CreateAPIKey makes a key and returns its secret, once. It fails with ErrEscalation when the key would get a scope that
// the actor does not hold.
func (s *Service) CreateAPIKey(ctx context.Context, actor auth.Actor, n NewAPIKey) (IssuedKey, error) {
	if err := requireAccountWide(actor, auth.KeysWrite); err != nil {
		return IssuedKey{}, err
	}
	now := s.Now()
	n.RatePerMinute = cmp.Or(n.RatePerMinute, min(s.DefaultQuota, MaxRate))
	if err := n.validate(n.Kind, now); err != nil {
		return IssuedKey{}, err
	}
	if err := requireHeld(actor, n.Scopes); err != nil {
		return IssuedKey{}, err
	}
	secret := auth.NewKey(secretKind(n.Kind), n.Test)
	k := APIKey{
		ID: kernel.NewID[kernel.CredentialID](), Version: 1, Kind: n.Kind, APIKeyDetails: n.APIKeyDetails,
		Prefix: secret.Prefix(), Test: n.Test, CreatedAt: now, UpdatedAt: now,
	}
	if n.Kind == auth.KindClient {
		k.ClientID = "client_" + k.ID.String()
	}
	if actor.Kind == auth.KindUser {
		k.CreatedBy = &actor.User
	}
	err := s.Units.InTx(ctx, func(ctx context.Context) error {
		if err := s.checkKeyPlaces(ctx, actor.Account, n.Dealerships); err != nil {
			return err
		}
		c := Credential{
			ID: k.ID, Kind: k.Kind, ClientID: k.ClientID, SecretHash: secret.Hash(), Account: actor.Account,
			Test: k.Test, TokenVersion: 1, CreatedAt: now,
		}
		c.follow(k)
		if err := s.Control.InsertCredential(ctx, c); err != nil {
			return err
		}
		if err := s.Store.InsertAPIKey(ctx, actor.Account, k); err != nil {
			return err
		}
		return s.write(ctx, actor.Account, actor, now, change{ResourceAPIKey, "created", uuid.UUID(k.ID), 1, nil, nil, k.open()})
	})
	return IssuedKey{APIKey: k, Secret: secret.Text}, err
}

func secretKind(kind auth.ActorKind) auth.KeyKind {
	if kind == auth.KindSiteKey {
		return auth.KeyPublishable
	}
	return auth.KeySecret
}

// follow copies what authentication needs of a key.
func (c *Credential) follow(k APIKey) {
	c.Name, c.Scopes, c.Dealerships, c.Origins = k.Name, k.Scopes, k.Dealerships, k.Origins
	c.RatePerMinute, c.ExpiresAt, c.RevokedAt = k.RatePerMinute, k.ExpiresAt, k.RevokedAt
}

func (s *Service) checkKeyPlaces(ctx context.Context, account kernel.AccountID, ids []kernel.DealershipID) error {
	var w wrong
	for i, id := range ids {
		if err := s.checkPlace(ctx, account, id, fmt.Sprintf("/dealership_ids/%d", i), &w); err != nil {
			return err
		}
	}
	return w.err()
}

// FindAPIKey reads a key that is not revoked.
func (s *Service) FindAPIKey(ctx context.Context, actor auth.Actor, id kernel.CredentialID) (APIKey, error) {
	if err := requireAccountWide(actor, auth.KeysRead); err != nil {
		return APIKey{}, err
	}
	k, err := s.Store.APIKey(ctx, actor.Account, id)
	if err == nil && k.RevokedAt != nil {
		return APIKey{}, ErrNotFound
	}
	return k, err
}

// ListAPIKeys lists the keys that are not revoked.
func (s *Service) ListAPIKeys(ctx context.Context, actor auth.Actor, f APIKeyFilter, p page.Request) (page.Of[APIKey], error) {
	if err := requireAccountWide(actor, auth.KeysRead); err != nil {
		return page.Of[APIKey]{}, err
	}
	return s.Store.ListAPIKeys(ctx, actor.Account, f, p)
}

// APIKeyChanges reads the next changes of keys, revoked ones too.
func (s *Service) APIKeyChanges(ctx context.Context, actor auth.Actor, c outbox.Cursor, limit int) (outbox.Changes[APIKey], error) {
	if err := requireAccountWide(actor, auth.KeysRead); err != nil {
		return outbox.Changes[APIKey]{}, err
	}
	return outbox.Read(ctx, s.Events, actor.Account, outbox.Source[APIKey]{
		Resource: ResourceAPIKey,
		List: func(ctx context.Context, after uuid.UUID, limit int) ([]APIKey, error) {
			return s.Store.APIKeysByID(ctx, actor.Account, after, limit)
		},
		Load: func(ctx context.Context, ids []uuid.UUID) ([]APIKey, error) {
			return s.Store.APIKeys(ctx, actor.Account, typed[kernel.CredentialID](ids))
		},
		ID: func(k APIKey) uuid.UUID { return uuid.UUID(k.ID) },
	}, c, limit)
}

// UpdateAPIKey changes a key. It fails with ErrEscalation when the key has, or would get, a scope that the actor does not hold.
func (s *Service) UpdateAPIKey(
	ctx context.Context, actor auth.Actor, id kernel.CredentialID, ifMatch *int64, edit func(*APIKeyDetails),
) (APIKey, error) {
	return s.changeAPIKey(ctx, actor, id, "updated", func(ctx context.Context, k *APIKey, _ *Credential) ([]string, error) {
		if err := checkVersion(ifMatch, k.Version); err != nil {
			return nil, err
		}
		before := k.APIKeyDetails
		k.Origins = slices.Clone(k.Origins)
		edit(&k.APIKeyDetails)
		changed := k.diff(before)
		now := s.Now()
		if !slices.Contains(changed, "expires_at") {
			now = k.CreatedAt // an end that has come since is no mistake of this change
		}
		if err := k.validate(k.Kind, now); err != nil {
			return nil, err
		}
		if err := requireHeld(actor, k.Scopes); err != nil {
			return nil, err
		}
		return k.diff(before), s.checkKeyPlaces(ctx, actor.Account, k.Dealerships)
	})
}

// RotateAPIKey gives a key a second secret and returns it, once. Both work until FinishAPIKeyRotation ends the older one.
// It fails with ErrRotating when the key has two already.
func (s *Service) RotateAPIKey(ctx context.Context, actor auth.Actor, id kernel.CredentialID, ifMatch *int64) (IssuedKey, error) {
	var secret auth.Key
	k, err := s.changeAPIKey(ctx, actor, id, "updated", func(_ context.Context, k *APIKey, c *Credential) ([]string, error) {
		if err := checkVersion(ifMatch, k.Version); err != nil {
			return nil, err
		}
		if k.NextPrefix != "" {
			return nil, ErrRotating
		}
		secret = auth.NewKey(secretKind(k.Kind), k.Test)
		k.NextPrefix, c.NextHash = secret.Prefix(), secret.Hash()
		return []string{"next_prefix"}, nil
	})
	return IssuedKey{APIKey: k, Secret: secret.Text}, err
}

// FinishAPIKeyRotation ends the older of two secrets, and every access token the client has. It fails with ErrNotRotating.
func (s *Service) FinishAPIKeyRotation(ctx context.Context, actor auth.Actor, id kernel.CredentialID, ifMatch *int64) (APIKey, error) {
	return s.changeAPIKey(ctx, actor, id, "updated", func(_ context.Context, k *APIKey, c *Credential) ([]string, error) {
		if err := checkVersion(ifMatch, k.Version); err != nil {
			return nil, err
		}
		if k.NextPrefix == "" {
			return nil, ErrNotRotating
		}
		k.Prefix, k.NextPrefix = k.NextPrefix, ""
		c.SecretHash, c.NextHash = c.NextHash, nil
		c.TokenVersion++
		return []string{"prefix", "next_prefix"}, nil
	})
}

// RevokeAPIKey ends a key for good, within ten seconds on every process.
func (s *Service) RevokeAPIKey(ctx context.Context, actor auth.Actor, id kernel.CredentialID, ifMatch *int64) error {
	now := s.Now()
	_, err := s.changeAPIKey(ctx, actor, id, "deleted", func(_ context.Context, k *APIKey, c *Credential) ([]string, error) {
		k.RevokedAt = &now
		c.TokenVersion++
		return []string{"revoked_at"}, checkVersion(ifMatch, k.Version)
	})
	return err
}

// changeAPIKey runs fn on the key and its credential, and writes what fn says has changed.
func (s *Service) changeAPIKey(
	ctx context.Context, actor auth.Actor, id kernel.CredentialID, verb string,
	fn func(context.Context, *APIKey, *Credential) ([]string, error),
) (APIKey, error) {
	if err := requireAccountWide(actor, auth.KeysWrite); err != nil {
		return APIKey{}, err
	}
	var out APIKey
	err := s.Units.InTx(ctx, func(ctx context.Context) error {
		now := s.Now()
		var changed []string
		var state CredentialState
		var before APIKey
		var err error
		out, err = s.Store.UpdateAPIKey(ctx, actor.Account, id, func(k *APIKey) (bool, error) {
			if before = *k; k.RevokedAt != nil {
				return false, ErrNotFound
			}
			// Whoever may not have made the key may not take it over either. Ending it is open to all who manage keys.
			if err := requireHeld(actor, k.Scopes); err != nil && verb != "deleted" {
				return false, err
			}
			// Read under the key's lock: of two rotations at once the second must see the first one's secret.
			if state, err = s.Control.CredentialByID(ctx, id, uuid.Nil); err != nil {
				return false, err
			}
			if changed, err = fn(ctx, k, &state.Credential); err != nil || len(changed) == 0 {
				return false, err
			}
			k.Version, k.UpdatedAt = k.Version+1, now
			return true, nil
		})
		if err != nil || len(changed) == 0 {
			return err
		}
		err = s.Control.UpdateCredential(ctx, id, func(c *Credential) {
			c.SecretHash, c.NextHash, c.TokenVersion = state.SecretHash, state.NextHash, state.TokenVersion
			c.follow(out)
		})
		if err != nil {
			return err
		}
		return s.write(ctx, actor.Account, actor, now, change{
			ResourceAPIKey, verb, uuid.UUID(id), out.Version, changed, before.open(), out.open(),
		})
	})
	return out, err
}
