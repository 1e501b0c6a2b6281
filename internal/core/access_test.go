package core_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
)

func TestActorsOfUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.dealership(t, w.admin, nil)
	for name, tt := range map[string]struct {
		roles         []core.RoleAt
		limited, own  bool
		canWide, here auth.Scope
	}{
		"admin":                {[]core.RoleAt{wide(auth.RoleAdmin)}, false, false, auth.UsersWrite, ""},
		"manager there":        {[]core.RoleAt{at(auth.RoleManager, d)}, true, false, "", auth.LeadsWrite},
		"salesperson there":    {[]core.RoleAt{at(auth.RoleSalesperson, d)}, true, true, "", auth.LeadsWrite},
		"viewer and seller":    {[]core.RoleAt{wide(auth.RoleViewer), at(auth.RoleSalesperson, d)}, false, false, auth.LeadsRead, auth.LeadsWrite},
		"nothing":              {nil, true, false, "", ""},
		"salesperson anywhere": {[]core.RoleAt{wide(auth.RoleSalesperson)}, false, true, auth.LeadsRead, ""},
	} {
		u := w.user(t, "u"+uuid.NewString()+"@garage-dupont.example", tt.roles...)
		a := w.actor(t, u.Email)
		assert.Equal(t, u.ID, a.User, name)
		assert.Equal(t, w.account.ID, a.Account, name)
		assert.Equal(t, tt.limited, a.Limited, name)
		assert.Equal(t, tt.own, a.OwnLeadsOnly, name)
		if tt.canWide != "" {
			assert.True(t, a.Scopes.Has(tt.canWide), name)
		}
		if tt.here != "" {
			assert.True(t, a.CanAt(tt.here, d.ID), name)
			assert.False(t, a.CanAt(tt.here, kernel.NewID[kernel.DealershipID]()), name)
		}
	}
}

func TestTheLastAdministratorStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	second := w.user(t, "second@garage-dupont.example", wide(auth.RoleAdmin))
	d := w.dealership(t, w.admin, nil)
	w.user(t, "local@garage-dupont.example", at(auth.RoleAdmin, d)) // of one dealership: does not count
	ways := map[string]func(id kernel.UserID) error{
		"disable": func(id kernel.UserID) error {
			_, err := w.UpdateUser(t.Context(), w.admin, id, nil, core.UserEdit{Details: func(d *core.UserDetails) { d.Disabled = true }})
			return err
		},
		"take the role": func(id kernel.UserID) error {
			_, err := w.UpdateUser(t.Context(), w.admin, id, nil, core.UserEdit{Details: func(d *core.UserDetails) { d.Roles = nil }})
			return err
		},
		"delete": func(id kernel.UserID) error { return w.DeleteUser(t.Context(), w.admin, id, nil) },
	}
	require.NoError(t, ways["disable"](second.ID))
	for name, end := range ways {
		require.ErrorIs(t, end(w.adminID), core.ErrLastAdmin, name)
	}
	u, err := w.FindUser(t.Context(), w.admin, w.adminID)
	require.NoError(t, err)
	assert.Equal(t, int64(1), u.Version, "nothing of it was kept")
	_, err = w.CreateFirstAdmin(t.Context(), w.account.ID, core.NewUser{UserDetails: core.UserDetails{Email: "x@x.example"}, Password: password})
	require.ErrorIs(t, err, core.ErrHasAdmin)
}

// Two administrators who remove each other at once leave one.
func TestTwoAdministratorsCannotRemoveEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 5 {
		second := w.user(t, uuid.NewString()+"@garage-dupont.example", wide(auth.RoleAdmin))
		rival := w.actor(t, second.Email)
		start, got := make(chan struct{}), make(chan error, 2)
		var wg sync.WaitGroup
		for _, try := range []func() error{
			func() error { return w.DeleteUser(t.Context(), w.admin, second.ID, nil) },
			func() error { return w.DeleteUser(t.Context(), rival, w.adminID, nil) },
		} {
			wg.Go(func() {
				<-start
				got <- try()
			})
		}
		close(start)
		wg.Wait()
		errors := []error{<-got, <-got}
		failed := slices.IndexFunc(errors, func(err error) bool { return err != nil })
		require.GreaterOrEqual(t, failed, 0)
		require.ErrorIs(t, errors[failed], core.ErrLastAdmin)
		require.NoError(t, errors[1-failed])
		if _, err := w.FindUser(t.Context(), w.admin, w.adminID); err != nil { // the rival won: bring the first one back
			_, err := w.RestoreUser(t.Context(), rival, w.adminID)
			require.NoError(t, err)
			require.NoError(t, w.DeleteUser(t.Context(), w.admin, second.ID, nil))
		}
	}
}

func TestNobodyGivesMoreThanTheyHold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.dealership(t, w.admin, nil)
	keyring := w.key(t, w.admin, auth.KindAPIKey, auth.KeysRead, auth.KeysWrite, auth.UsersRead, auth.UsersWrite, auth.GrantsWrite, auth.DealershipsWrite, auth.LeadsRead)
	machine, err := w.Authenticate(t.Context(), keyring.Secret)
	require.NoError(t, err)
	strong := w.key(t, w.admin, auth.KindAPIKey, auth.AccountWrite)
	weak := w.key(t, machine, auth.KindAPIKey, auth.LeadsRead)
	_, err = w.CreatePartner(t.Context(), "Marque", "marque")
	require.NoError(t, err)
	newKey := func(scopes ...auth.Scope) core.NewAPIKey {
		return core.NewAPIKey{Kind: auth.KindAPIKey, APIKeyDetails: core.APIKeyDetails{Name: "k", Scopes: auth.NewScopeSet(scopes...)}}
	}
	for name, try := range map[string]func() error{
		"key with more": func() error {
			_, err := w.CreateAPIKey(t.Context(), machine, newKey(auth.LeadsRead, auth.LeadsWrite))
			return err
		},
		"more for a key": func() error {
			_, err := w.UpdateAPIKey(t.Context(), machine, weak.ID, nil, func(d *core.APIKeyDetails) { d.Scopes = auth.AllScopes() })
			return err
		},
		"a stronger key's name": func() error {
			_, err := w.UpdateAPIKey(t.Context(), machine, strong.ID, nil, func(d *core.APIKeyDetails) { d.Name = "mine" })
			return err
		},
		"a stronger key's secret": func() error { _, err := w.RotateAPIKey(t.Context(), machine, strong.ID, nil); return err },
		"an administrator": func() error {
			_, err := w.CreateUser(t.Context(), machine, core.NewUser{
				UserDetails: core.UserDetails{Email: "evil@garage-dupont.example", Roles: []core.RoleAt{wide(auth.RoleAdmin)}}, Password: password,
			})
			return err
		},
		"an administrator of a dealership": func() error {
			_, err := w.CreateUser(t.Context(), machine, core.NewUser{
				UserDetails: core.UserDetails{Email: "evil@garage-dupont.example", Roles: []core.RoleAt{at(auth.RoleAdmin, d)}}, Password: password,
			})
			return err
		},
		"the administrator's password": func() error {
			_, err := w.UpdateUser(t.Context(), machine, w.adminID, nil, core.UserEdit{Password: new("another quiet rooftop")})
			return err
		},
		"the administrator's e-mail": func() error {
			_, err := w.UpdateUser(t.Context(), machine, w.adminID, nil, core.UserEdit{Details: func(d *core.UserDetails) { d.Email = "evil@x.example" }})
			return err
		},
		"a grant": func() error {
			_, err := w.CreateGrant(t.Context(), machine, core.NewGrant{
				PartnerCode: "marque", Dealership: d.ID, DealerCode: "1", Scopes: auth.PartnerScopes(),
			})
			return err
		},
	} {
		require.ErrorIs(t, try(), core.ErrEscalation, name)
	}
	require.NoError(t, w.RevokeAPIKey(t.Context(), machine, strong.ID, nil), "ending a key gives nothing to anyone")

	local := w.user(t, "local@garage-dupont.example", at(auth.RoleAdmin, d))
	limited := w.actor(t, local.Email)
	for name, try := range map[string]func() error{
		"user": func() error { _, err := w.CreateUser(t.Context(), limited, core.NewUser{}); return err },
		"key":  func() error { _, err := w.CreateAPIKey(t.Context(), limited, newKey(auth.LeadsRead)); return err },
		"dealership": func() error {
			_, err := w.CreateDealership(t.Context(), limited, core.DealershipDetails{Name: "x"})
			return err
		},
		"account": func() error {
			_, err := w.UpdateAccount(t.Context(), limited, nil, func(*core.AccountDetails) {})
			return err
		},
	} {
		require.ErrorIs(t, try(), core.ErrAccountWide, name)
	}
	_, err = w.UpdateDealership(t.Context(), limited, d.ID, nil, func(d *core.DealershipDetails) { d.Name = "Dupont Sud" })
	require.NoError(t, err, "their own dealership is theirs to change")
}

func TestKeysRotateWithoutAGap(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.key(t, w.admin, auth.KindAPIKey, auth.LeadsRead)
	works := func(secret string) bool {
		w.clock.forward(auth.CacheTTL)
		_, err := w.Authenticate(t.Context(), secret)
		return err == nil
	}
	_, err := w.FinishAPIKeyRotation(t.Context(), w.admin, k.ID, nil)
	require.ErrorIs(t, err, core.ErrNotRotating)
	next, err := w.RotateAPIKey(t.Context(), w.admin, k.ID, nil)
	require.NoError(t, err)
	assert.NotEqual(t, k.Secret, next.Secret)
	assert.True(t, works(k.Secret))
	assert.True(t, works(next.Secret))
	_, err = w.RotateAPIKey(t.Context(), w.admin, k.ID, nil)
	require.ErrorIs(t, err, core.ErrRotating)
	done, err := w.FinishAPIKeyRotation(t.Context(), w.admin, k.ID, nil)
	require.NoError(t, err)
	assert.Equal(t, next.NextPrefix, done.Prefix)
	assert.Empty(t, done.NextPrefix)
	assert.False(t, works(k.Secret))
	assert.True(t, works(next.Secret))
	require.NoError(t, w.RevokeAPIKey(t.Context(), w.admin, k.ID, nil))
	_, err = w.FindAPIKey(t.Context(), w.admin, k.ID)
	require.ErrorIs(t, err, core.ErrNotFound)

	client := w.key(t, w.admin, auth.KindClient, auth.LeadsRead)
	second, err := w.RotateAPIKey(t.Context(), w.admin, client.ID, nil)
	require.NoError(t, err)
	w.clientToken(t, client.ClientID, client.Secret)
	w.clientToken(t, client.ClientID, second.Secret)
}

func TestAKeyWithoutAQuotaGetsTheInstallations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.DefaultQuota = 42
	assert.Equal(t, 42, w.key(t, w.admin, auth.KindAPIKey, auth.LeadsRead).RatePerMinute)
}

func TestKeysAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.dealership(t, w.admin, nil)
	end := w.clock.Now().Add(time.Hour)
	k, err := w.CreateAPIKey(t.Context(), w.admin, core.NewAPIKey{Kind: auth.KindSiteKey, Test: true, APIKeyDetails: core.APIKeyDetails{
		Name: "site", Scopes: auth.SiteKeyScopes(), Dealerships: []kernel.DealershipID{d.ID}, RatePerMinute: 30,
		Origins: []string{"HTTPS://WWW.Garage-Dupont.example:443/", "http://localhost:3000"}, ExpiresAt: &end,
	}})
	require.NoError(t, err)
	a, err := w.Authenticate(t.Context(), k.Secret)
	require.NoError(t, err)
	assert.Equal(t, []string{"https://www.garage-dupont.example", "http://localhost:3000"}, a.Origins)
	assert.Equal(t, 30, a.RatePerMinute)
	assert.True(t, a.Test)
	assert.True(t, a.Limited)
	assert.True(t, a.CanAt(auth.LeadsCreate, d.ID))
	assert.False(t, a.CanAt(auth.LeadsCreate, kernel.NewID[kernel.DealershipID]()))
	assert.False(t, a.Can(auth.LeadsRead))
	seen, err := w.FindAPIKey(t.Context(), w.admin, k.ID)
	require.NoError(t, err)
	assert.Equal(t, w.clock.Now(), *seen.LastUsedAt)
	w.clock.forward(time.Hour)
	_, err = w.Authenticate(t.Context(), k.Secret)
	require.ErrorIs(t, err, auth.ErrInvalid, "expired")

	for pointer, spoil := range map[string]func(*core.NewAPIKey){
		"/scopes":           func(n *core.NewAPIKey) { n.Scopes = auth.NewScopeSet(auth.LeadsRead) },
		"/origins":          func(n *core.NewAPIKey) { n.Origins = nil },
		"/origins/0":        func(n *core.NewAPIKey) { n.Origins = []string{"http://www.example.com"} },
		"/name":             func(n *core.NewAPIKey) { n.Name = "" },
		"/rate_per_minute":  func(n *core.NewAPIKey) { n.RatePerMinute = core.MaxRate + 1 },
		"/expires_at":       func(n *core.NewAPIKey) { n.ExpiresAt = &w.account.CreatedAt },
		"/dealership_ids":   func(n *core.NewAPIKey) { n.Dealerships = []kernel.DealershipID{} },
		"/dealership_ids/0": func(n *core.NewAPIKey) { n.Dealerships = []kernel.DealershipID{kernel.NewID[kernel.DealershipID]()} },
	} {
		n := core.NewAPIKey{Kind: auth.KindSiteKey, APIKeyDetails: core.APIKeyDetails{
			Name: "site", Scopes: auth.SiteKeyScopes(), Origins: []string{"https://www.example.com"},
		}}
		spoil(&n)
		_, err := w.CreateAPIKey(t.Context(), w.admin, n)
		e, ok := errs.As(err)
		require.True(t, ok, "%s: %v", pointer, err)
		require.Len(t, e.Fields, 1, pointer)
		assert.Equal(t, pointer, e.Fields[0].Pointer)
	}
}

func TestUsersAndKeysOfAnotherAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.user(t, "u@garage-dupont.example", wide(auth.RoleViewer))
	k := w.key(t, w.admin, auth.KindAPIKey, auth.LeadsRead)
	d := w.dealership(t, w.admin, nil)
	_, err := w.CreatePartner(t.Context(), "Marque", "marque")
	require.NoError(t, err)
	g, err := w.CreateGrant(t.Context(), w.admin, core.NewGrant{PartnerCode: "marque", Dealership: d.ID, DealerCode: "1", Scopes: auth.PartnerScopes()})
	require.NoError(t, err)
	_, stranger, _ := w.newAccount(t, "Autre", "admin@autre.example")
	ctx := t.Context()
	for name, try := range map[string]func() error{
		"find user": func() error { _, err := w.FindUser(ctx, stranger, u.ID); return err },
		"update user": func() error {
			_, err := w.UpdateUser(ctx, stranger, u.ID, nil, core.UserEdit{Password: new(password)})
			return err
		},
		"delete user":  func() error { return w.DeleteUser(ctx, stranger, u.ID, nil) },
		"restore user": func() error { _, err := w.RestoreUser(ctx, stranger, u.ID); return err },
		"find key":     func() error { _, err := w.FindAPIKey(ctx, stranger, k.ID); return err },
		"update key": func() error {
			_, err := w.UpdateAPIKey(ctx, stranger, k.ID, nil, func(*core.APIKeyDetails) {})
			return err
		},
		"rotate key":   func() error { _, err := w.RotateAPIKey(ctx, stranger, k.ID, nil); return err },
		"finish":       func() error { _, err := w.FinishAPIKeyRotation(ctx, stranger, k.ID, nil); return err },
		"revoke key":   func() error { return w.RevokeAPIKey(ctx, stranger, k.ID, nil) },
		"find grant":   func() error { _, err := w.FindGrant(ctx, stranger, g.ID); return err },
		"revoke grant": func() error { return w.RevokeGrant(ctx, stranger, g.ID, nil) },
		"key for a dealership": func() error {
			_, err := w.CreateAPIKey(ctx, stranger, core.NewAPIKey{Kind: auth.KindAPIKey, APIKeyDetails: core.APIKeyDetails{
				Name: "k", Scopes: auth.NewScopeSet(auth.LeadsRead), Dealerships: []kernel.DealershipID{d.ID},
			}})
			if errs.IsKind(err, errs.Invalid) {
				return core.ErrNotFound
			}
			return err
		},
	} {
		require.ErrorIs(t, try(), core.ErrNotFound, name)
	}
	users, err := w.ListUsers(ctx, stranger, core.UserFilter{}, firstPage())
	require.NoError(t, err)
	assert.Len(t, users.Items, 1)
	keys, err := w.ListAPIKeys(ctx, stranger, core.APIKeyFilter{}, firstPage())
	require.NoError(t, err)
	assert.Empty(t, keys.Items)
	grants, err := w.ListGrants(ctx, stranger, core.GrantFilter{}, firstPage())
	require.NoError(t, err)
	assert.Empty(t, grants.Items)
	_, err = w.CreateUser(ctx, stranger, core.NewUser{UserDetails: core.UserDetails{Email: "U@garage-dupont.example"}, Password: password})
	require.ErrorIs(t, err, core.ErrEmailTaken)
	_, err = w.Authenticate(ctx, k.Secret)
	require.NoError(t, err)
}

// The row security alone holds: a store that is asked with the wrong account sees nothing.
func TestRowSecurityHoldsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.dealership(t, w.admin, func(d *core.DealershipDetails) { d.Codes = []core.Code{{Scheme: "a", Code: "1"}} })
	w.key(t, w.admin, auth.KindAPIKey, auth.LeadsRead)
	other, _, _ := w.newAccount(t, "Autre", "admin@autre.example")
	for table, own := range map[string]int{"dealerships": 0, "dealership_codes": 0, "users": 1, "api_keys": 0} {
		var n int
		require.NoError(t, w.db.QueryRow(t.Context(), other.ID, "SELECT count(*) FROM "+table, nil, &n))
		assert.Equal(t, own, n, table)
		require.NoError(t, w.db.QueryRowControl(t.Context(), "SELECT count(*) FROM "+table, nil, &n))
		assert.Zero(t, n, "%s without an account", table)
	}
}

func TestPartners(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.dealership(t, w.admin, nil)
	second := w.dealership(t, w.admin, nil)
	oem, err := w.CreatePartner(t.Context(), "Marque", "marque")
	require.NoError(t, err)
	_, err = w.CreatePartner(t.Context(), "Autre", "marque")
	require.ErrorIs(t, err, core.ErrPartnerCodeTaken)
	rival, err := w.CreatePartner(t.Context(), "Rivale", "rivale")
	require.NoError(t, err)
	actor, err := w.Authenticate(t.Context(), w.clientToken(t, oem.ClientID, oem.ClientSecret).AccessToken)
	require.NoError(t, err)
	assert.Equal(t, auth.KindPartner, actor.Kind)
	assert.Equal(t, oem.ID, actor.Partner)
	assert.True(t, actor.Account.IsZero())
	_, err = w.Authenticate(t.Context(), oem.ClientSecret)
	require.ErrorIs(t, err, auth.ErrInvalid)

	grant := func(place core.Dealership, code string, end *time.Time, scopes ...auth.Scope) core.Grant {
		g, err := w.CreateGrant(t.Context(), w.admin, core.NewGrant{
			PartnerCode: "marque", Dealership: place.ID, DealerCode: code, Scopes: auth.NewScopeSet(scopes...), ExpiresAt: end,
		})
		require.NoError(t, err)
		return g
	}
	end := w.clock.Now().Add(time.Hour)
	first := grant(d, "FR-1", nil, auth.LeadsCreate)
	grant(second, "FR-2", &end, auth.LeadsCreate, auth.LeadsRead)
	_, err = w.CreateGrant(t.Context(), w.admin, core.NewGrant{PartnerCode: "marque", Dealership: second.ID, DealerCode: "FR-1", Scopes: auth.PartnerScopes()})
	require.ErrorIs(t, err, core.ErrDealerCodeTaken)
	_, err = w.CreateGrant(t.Context(), w.admin, core.NewGrant{PartnerCode: "marque", Dealership: d.ID, DealerCode: "9", Scopes: auth.NewScopeSet(auth.ContactsRead)})
	assert.True(t, errs.IsKind(err, errs.Invalid), "a partner may not have that: %v", err)

	got, err := w.Grant(t.Context(), oem.ID, "FR-1")
	require.NoError(t, err)
	assert.Equal(t, core.PartnerGrant{ID: first.ID, Account: w.account.ID, Dealership: d.ID, DealerCode: "FR-1", Scopes: auth.NewScopeSet(auth.LeadsCreate)}, got)
	_, err = w.Grant(t.Context(), rival.ID, "FR-1")
	require.ErrorIs(t, err, core.ErrNoGrant)
	both, err := w.GrantsOf(t.Context(), oem.ID)
	require.NoError(t, err)
	require.Len(t, both, 2)
	acting := core.ActInAccount(actor, both...)
	assert.Equal(t, w.account.ID, acting.Account)
	assert.True(t, acting.CanAt(auth.LeadsCreate, d.ID))
	assert.False(t, acting.CanAt(auth.LeadsRead, d.ID), "not granted there")
	assert.True(t, acting.CanAt(auth.LeadsRead, second.ID))
	assert.False(t, acting.CanAt(auth.LeadsCreate, kernel.NewID[kernel.DealershipID]()))
	me, err := w.Me(t.Context(), actor)
	require.NoError(t, err)
	assert.Equal(t, "marque", me.Partner.Code)
	assert.Len(t, me.Grants, 2)

	require.NoError(t, w.RevokeGrant(t.Context(), w.admin, first.ID, nil))
	w.clock.forward(6 * time.Second)
	_, err = w.Grant(t.Context(), oem.ID, "FR-1")
	require.ErrorIs(t, err, core.ErrNoGrant)
	_, err = w.GrantFor(t.Context(), oem.ID, w.account.ID, d.ID)
	require.ErrorIs(t, err, core.ErrNoGrant)
	_, err = w.GrantFor(t.Context(), oem.ID, kernel.AccountID{}, second.ID)
	require.NoError(t, err)
	w.clock.forward(time.Hour)
	_, err = w.Grant(t.Context(), oem.ID, "FR-2")
	require.ErrorIs(t, err, core.ErrNoGrant, "expired")
	grant(d, "FR-2", nil, auth.LeadsCreate) // an expired grant holds its code no longer
	_, err = w.events.SequenceNow(t.Context())
	require.NoError(t, err)
	changes, err := w.GrantChanges(t.Context(), w.admin, outbox.Cursor{}, 10)
	require.NoError(t, err)
	assert.Len(t, changes.Items, 3)
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var due time.Time
	require.NoError(t, w.db.QueryRowControl(t.Context(), `SELECT due_at FROM due_work WHERE account_id = $1 AND kind = $2`,
		[]any{w.account.ID, core.PurgeIdempotencyKeys}, &due))
	assert.Equal(t, w.clock.Now().Add(24*time.Hour), due)

	changed, err := w.UpdateAccount(t.Context(), w.admin, new(int64(1)), func(d *core.AccountDetails) { d.Name, d.RequireIfMatch = "Dupont", true })
	require.NoError(t, err)
	assert.Equal(t, int64(2), changed.Version)
	read, err := w.FindAccount(t.Context(), w.admin)
	require.NoError(t, err)
	assert.Equal(t, changed, read)
	_, err = w.UpdateAccount(t.Context(), w.admin, new(int64(1)), func(*core.AccountDetails) {})
	require.ErrorIs(t, err, core.ErrStale)
	_, err = w.UpdateAccount(t.Context(), w.admin, nil, func(d *core.AccountDetails) { d.Currency, d.Country, d.Language = "eur", "ZZ", "??" })
	e, _ := errs.As(err)
	assert.Len(t, e.Fields, 3)
	_, err = w.UpdateAccount(t.Context(), w.admin, nil, func(d *core.AccountDetails) {
		d.CustomSchemas = map[string]any{"lead": map[string]any{"type": "object"}, "contact": map[string]any{"type": "nonsense"}}
	})
	e, _ = errs.As(err)
	require.Len(t, e.Fields, 1)
	assert.Equal(t, "/custom_schemas/contact", e.Fields[0].Pointer)
	assert.True(t, w.actor(t, adminEmail).RequireIfMatch)
	assert.Equal(t, []string{"account.created", "user.created", "account.updated"}, w.eventTypes(t, w.account.ID))
}

func TestUserFields(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.CreateUser(t.Context(), w.admin, core.NewUser{
		UserDetails: core.UserDetails{Email: "no", Language: "??", Roles: []core.RoleAt{wide("king"), wide(auth.RoleViewer), wide(auth.RoleViewer)}},
		Password:    "short",
	})
	e, ok := errs.As(err)
	require.True(t, ok)
	var got []string
	for _, f := range e.Fields {
		got = append(got, f.Pointer)
	}
	assert.ElementsMatch(t, []string{"/email", "/language", "/roles/0/role", "/roles/2", "/password"}, got)
	u := w.user(t, " U@Garage-Dupont.example ", wide(auth.RoleViewer))
	assert.Equal(t, "u@garage-dupont.example", u.Email)
	read, err := w.FindUser(t.Context(), w.admin, u.ID)
	require.NoError(t, err)
	assert.Equal(t, u, read)
	viewers, err := w.ListUsers(t.Context(), w.admin, core.UserFilter{Role: auth.RoleViewer}, firstPage())
	require.NoError(t, err)
	assert.Len(t, viewers.Items, 1)
	moved, err := w.UpdateUser(t.Context(), w.admin, u.ID, nil, core.UserEdit{Details: func(d *core.UserDetails) { d.Email = "v@garage-dupont.example" }})
	require.NoError(t, err)
	w.signIn(t, moved.Email)
	_, err = w.UpdateUser(t.Context(), w.admin, u.ID, nil, core.UserEdit{Details: func(d *core.UserDetails) { d.Email = adminEmail }})
	require.ErrorIs(t, err, core.ErrEmailTaken)
}

func TestEveryEnumHasLabels(t *testing.T) {
	t.Parallel()
	values := map[string][]string{}
	for _, e := range core.Enums() {
		for _, v := range e.Values {
			assert.NotEmpty(t, v.En, v.Value)
			assert.NotEmpty(t, v.Fr, v.Value)
			values[e.Name] = append(values[e.Name], v.Value)
		}
	}
	for _, r := range auth.Roles() {
		assert.Contains(t, values["user_role"], string(r))
	}
	for _, s := range auth.AllScopes().List() {
		assert.Contains(t, values["scope"], string(s))
	}
	assert.Len(t, values["scope"], len(auth.AllScopes().List()))
}
