package core_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

func fullDealership() core.DealershipDetails {
	return core.DealershipDetails{
		Name: "Dupont Lyon", LegalName: "Dupont Automobiles SAS", Brands: []string{"Peugeot", "Citroën"}, Country: "FR", TimeZone: "Europe/Paris",
		Address:  core.Address{Lines: []string{"1 rue de la Paix"}, PostalCode: "69001", City: "Lyon", Region: "Rhône"},
		Position: &core.Position{Latitude: 45.76, Longitude: 4.83}, Phone: "+33199001234", Email: "lyon@garage-dupont.example",
		Website: "https://www.garage-dupont.example", Codes: []core.Code{{Scheme: "peugeot", Code: "FR-0042"}},
		ExternalRefs: []kernel.ExternalRef{{Source: "dms", ID: "17"}}, Custom: map[string]any{"zone": "east"},
	}
}

func TestDealershipRoundTrip(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made, err := w.CreateDealership(t.Context(), w.admin, fullDealership())
	require.NoError(t, err)
	read, err := w.FindDealership(t.Context(), w.admin, made.ID)
	require.NoError(t, err)
	assert.Equal(t, made, read)
	assert.Equal(t, int64(1), read.Version)

	changed, err := w.UpdateDealership(t.Context(), w.admin, made.ID, new(int64(1)), func(d *core.DealershipDetails) { d.Name = "Dupont Est" })
	require.NoError(t, err)
	assert.Equal(t, int64(2), changed.Version)
	same, err := w.UpdateDealership(t.Context(), w.admin, made.ID, nil, func(d *core.DealershipDetails) { d.Name = "Dupont Est" })
	require.NoError(t, err)
	assert.Equal(t, int64(2), same.Version, "a change of nothing is no change")
	_, err = w.UpdateDealership(t.Context(), w.admin, made.ID, new(int64(1)), func(*core.DealershipDetails) {})
	require.ErrorIs(t, err, core.ErrStale)

	require.NoError(t, w.DeleteDealership(t.Context(), w.admin, made.ID, nil))
	_, err = w.FindDealership(t.Context(), w.admin, made.ID)
	require.ErrorIs(t, err, core.ErrNotFound)
	require.ErrorIs(t, w.DeleteDealership(t.Context(), w.admin, made.ID, nil), core.ErrNotFound)
	restored, err := w.RestoreDealership(t.Context(), w.admin, made.ID)
	require.NoError(t, err)
	assert.Equal(t, int64(4), restored.Version)
	assert.Equal(t, made.Codes, restored.Codes)
	assert.Equal(t, []string{"dealership.created", "dealership.updated", "dealership.deleted", "dealership.restored"}, w.eventTypes(t, w.account.ID)[2:])
}

func TestDealershipFields(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bad := core.DealershipDetails{
		Name: " ", Country: "XX", TimeZone: "Local", Phone: "12", Email: "no", Website: "ftp://x",
		Position: &core.Position{Latitude: 91, Longitude: -181}, Codes: []core.Code{{Scheme: "a", Code: "1"}, {Scheme: "a", Code: "1"}},
		ExternalRefs: []kernel.ExternalRef{{Source: "", ID: "1"}},
	}
	_, err := w.CreateDealership(t.Context(), w.admin, bad)
	e, ok := errs.As(err)
	require.True(t, ok, "%v", err)
	var at []string
	for _, f := range e.Fields {
		at = append(at, f.Pointer)
	}
	assert.ElementsMatch(t, []string{
		"/name", "/country", "/time_zone", "/phone", "/email", "/website", "/position/latitude", "/position/longitude", "/codes/1", "/external_refs/0/source",
	}, at)

	d, err := w.CreateDealership(t.Context(), w.admin, core.DealershipDetails{Name: "Short", Phone: "01 99 00 12 34"})
	require.NoError(t, err)
	assert.Equal(t, "FR", d.Country, "the account's")
	assert.Equal(t, "Europe/Paris", d.TimeZone)
	assert.Equal(t, "+33199001234", d.Phone)
}

func TestDealershipsAreFoundByCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.dealership(t, w.admin, func(d *core.DealershipDetails) {
		d.Codes = []core.Code{{Scheme: "oem", Code: "1"}, {Scheme: "portal", Code: "7"}}
		d.ExternalRefs = []kernel.ExternalRef{{Source: "dms", ID: "9"}}
	})
	b := w.dealership(t, w.admin, func(d *core.DealershipDetails) { d.Codes = []core.Code{{Scheme: "portal", Code: "1"}} })
	for _, tt := range []struct {
		name    string
		schemes []string
		code    string
		want    kernel.DealershipID
	}{
		{"by scheme", []string{"oem"}, "1", a.ID},
		{"by the other scheme", []string{"portal"}, "1", b.ID},
		{"the first scheme wins", []string{"portal", "oem"}, "1", b.ID},
		{"the first scheme wins, turned round", []string{"oem", "portal"}, "1", a.ID},
		{"by reference", []string{"dms"}, "9", a.ID},
		{"anywhere", nil, "7", a.ID},
		{"anywhere, by reference", nil, " 9 ", a.ID},
		{"ambiguous", nil, "1", kernel.DealershipID{}},
		{"unknown", nil, "nope", kernel.DealershipID{}},
		{"another scheme", []string{"dms"}, "1", kernel.DealershipID{}},
		{"empty", nil, " ", kernel.DealershipID{}},
		{"no text", nil, "\x00", kernel.DealershipID{}},
	} {
		id, found, err := w.DealershipByCode(t.Context(), w.account.ID, tt.schemes, tt.code)
		require.NoError(t, err, tt.name)
		assert.Equal(t, tt.want, id, tt.name)
		assert.Equal(t, !tt.want.IsZero(), found, tt.name)
	}
	other, _, _ := w.newAccount(t, "Autre", "admin@autre.example")
	_, found, err := w.DealershipByCode(t.Context(), other.ID, nil, "7")
	require.NoError(t, err)
	assert.False(t, found, "another account's code")
}

func TestCodesAndReferencesNameOneDealership(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, err := w.CreateDealership(t.Context(), w.admin, fullDealership())
	require.NoError(t, err)
	twin := fullDealership()
	twin.ExternalRefs = nil
	_, err = w.CreateDealership(t.Context(), w.admin, twin)
	require.ErrorIs(t, err, core.ErrCodeTaken)
	twin = fullDealership()
	twin.Codes = nil
	_, err = w.CreateDealership(t.Context(), w.admin, twin)
	require.ErrorIs(t, err, core.ErrDealershipRefTaken)

	require.NoError(t, w.DeleteDealership(t.Context(), w.admin, first.ID, nil))
	_, err = w.CreateDealership(t.Context(), w.admin, fullDealership())
	require.NoError(t, err, "a deleted dealership's codes are free")
	_, err = w.RestoreDealership(t.Context(), w.admin, first.ID)
	require.ErrorIs(t, err, core.ErrCodeTaken)

	other, actor, _ := w.newAccount(t, "Autre", "admin@autre.example")
	_, err = w.CreateDealership(t.Context(), actor, fullDealership())
	require.NoError(t, err, "codes are the account's own")
	_ = other
}

func TestOneDefaultDealership(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.DefaultDealership(t.Context(), w.account.ID)
	require.ErrorIs(t, err, core.ErrNotFound)
	a := w.dealership(t, w.admin, nil)
	got, err := w.DefaultDealership(t.Context(), w.account.ID)
	require.NoError(t, err)
	assert.Equal(t, core.Place{ID: a.ID, Name: "Dupont Lyon", Country: "FR", TimeZone: "Europe/Paris", Currency: "EUR"}, got, "the only one is the default")

	b := w.dealership(t, w.admin, func(d *core.DealershipDetails) { d.IsDefault = true })
	c := w.dealership(t, w.admin, func(d *core.DealershipDetails) { d.IsDefault = true })
	w.clock.forward(6 * time.Second)
	got, err = w.DefaultDealership(t.Context(), w.account.ID)
	require.NoError(t, err)
	assert.Equal(t, c.ID, got.ID)
	was, err := w.FindDealership(t.Context(), w.admin, b.ID)
	require.NoError(t, err)
	assert.False(t, was.IsDefault)
	assert.Equal(t, int64(2), was.Version, "what is changed on the way has an event and a version too")
	_, err = w.UpdateDealership(t.Context(), w.admin, a.ID, nil, func(d *core.DealershipDetails) { d.IsDefault = true })
	require.NoError(t, err)
	require.NoError(t, w.DeleteDealership(t.Context(), w.admin, a.ID, nil))
	w.clock.forward(6 * time.Second)
	_, err = w.DefaultDealership(t.Context(), w.account.ID)
	require.ErrorIs(t, err, core.ErrNotFound, "two are left and neither is the default")
}

func TestDealershipByRefUpsert(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ref := kernel.ExternalRef{Source: "group", ID: "42"}
	made, created, err := w.PutDealershipByRef(t.Context(), w.admin, ref, kernel.Precondition{}, func(d *core.DealershipDetails) { d.Name, d.IsDefault = "One", true })
	require.NoError(t, err)
	assert.True(t, created)
	_, err = w.UpdateDealership(t.Context(), w.admin, made.ID, nil, func(d *core.DealershipDetails) {
		d.ExternalRefs = append(d.ExternalRefs, kernel.ExternalRef{Source: "dms", ID: "5"})
	})
	require.NoError(t, err)
	put, created, err := w.PutDealershipByRef(t.Context(), w.admin, ref, kernel.Precondition{}, func(d *core.DealershipDetails) { d.Name = "Two" })
	require.NoError(t, err)
	assert.False(t, created)
	assert.Equal(t, made.ID, put.ID)
	assert.Equal(t, "Two", put.Name)
	assert.True(t, put.IsDefault)
	assert.ElementsMatch(t, []kernel.ExternalRef{ref, {Source: "dms", ID: "5"}}, put.ExternalRefs, "what others call it stays")
	_, _, err = w.PutDealershipByRef(t.Context(), w.admin, ref, kernel.Precondition{Absent: true}, func(*core.DealershipDetails) {})
	require.ErrorIs(t, err, core.ErrDealershipExists)
	found, err := w.FindDealershipByRef(t.Context(), w.admin, ref)
	require.NoError(t, err)
	assert.Equal(t, put.ID, found.ID)
}

func TestDealershipsOfAnotherAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.dealership(t, w.admin, func(d *core.DealershipDetails) { d.ExternalRefs = []kernel.ExternalRef{{Source: "s", ID: "1"}} })
	_, stranger, _ := w.newAccount(t, "Autre", "admin@autre.example")
	for name, try := range map[string]func() error{
		"find":   func() error { _, err := w.FindDealership(t.Context(), stranger, d.ID); return err },
		"by ref": func() error { _, err := w.FindDealershipByRef(t.Context(), stranger, d.ExternalRefs[0]); return err },
		"update": func() error {
			_, err := w.UpdateDealership(t.Context(), stranger, d.ID, nil, func(d *core.DealershipDetails) { d.Name = "mine" })
			return err
		},
		"delete":    func() error { return w.DeleteDealership(t.Context(), stranger, d.ID, nil) },
		"restore":   func() error { _, err := w.RestoreDealership(t.Context(), stranger, d.ID); return err },
		"neighbour": func() error { _, err := w.Dealership(t.Context(), stranger.Account, d.ID); return err },
	} {
		require.ErrorIs(t, try(), core.ErrNotFound, name)
	}
	list, err := w.ListDealerships(t.Context(), stranger, core.DealershipFilter{}, firstPage())
	require.NoError(t, err)
	assert.Empty(t, list.Items)
	_, err = w.CreateUser(t.Context(), stranger, core.NewUser{
		UserDetails: core.UserDetails{Email: "x@autre.example", Roles: []core.RoleAt{at(auth.RoleAgent, d)}}, Password: password,
	})
	assert.True(t, errs.IsKind(err, errs.Invalid), "a role at another account's dealership: %v", err)
	_, err = w.CreateGrant(t.Context(), stranger, core.NewGrant{
		PartnerCode: "none", Dealership: d.ID, DealerCode: "1", Scopes: auth.PartnerScopes(),
	})
	require.ErrorIs(t, err, core.ErrUnknownPartner)
}

func TestListsAndChangesOfDealerships(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var made []core.Dealership
	for _, brand := range []string{"Peugeot", "Citroën", "Peugeot"} {
		w.clock.forward(time.Second)
		made = append(made, w.dealership(t, w.admin, func(d *core.DealershipDetails) { d.Brands = []string{brand} }))
	}
	p := firstPage()
	p.Limit, p.Count = 2, page.CountExact
	first, err := w.ListDealerships(t.Context(), w.admin, core.DealershipFilter{}, p)
	require.NoError(t, err)
	require.Len(t, first.Items, 2)
	assert.Equal(t, made[2].ID, first.Items[0].ID)
	assert.Equal(t, int64(3), *first.Total)
	p.After = first.Next
	second, err := w.ListDealerships(t.Context(), w.admin, core.DealershipFilter{}, p)
	require.NoError(t, err)
	require.Len(t, second.Items, 1)
	assert.Equal(t, made[0].ID, second.Items[0].ID)
	assert.Nil(t, second.Next)
	ofBrand, err := w.ListDealerships(t.Context(), w.admin, core.DealershipFilter{Brand: "Peugeot"}, firstPage())
	require.NoError(t, err)
	assert.Len(t, ofBrand.Items, 2)

	local := w.user(t, "local@garage-dupont.example", at(auth.RoleManager, made[1]))
	limited := w.actor(t, local.Email)
	seen, err := w.ListDealerships(t.Context(), limited, core.DealershipFilter{}, firstPage())
	require.NoError(t, err)
	require.Len(t, seen.Items, 1)
	assert.Equal(t, made[1].ID, seen.Items[0].ID)
	_, err = w.FindDealership(t.Context(), limited, made[0].ID)
	require.ErrorIs(t, err, core.ErrNotFound)

	require.NoError(t, w.DeleteDealership(t.Context(), w.admin, made[0].ID, nil))
	_, err = w.events.SequenceNow(t.Context())
	require.NoError(t, err)
	got := map[kernel.DealershipID]bool{}
	cursor, more := outbox.Cursor{}, true
	for more {
		step, err := w.DealershipChanges(t.Context(), w.admin, cursor, 2)
		require.NoError(t, err)
		for _, d := range step.Items {
			got[d.ID] = d.DeletedAt != nil
		}
		cursor, more = step.Next, step.More
	}
	assert.Equal(t, map[kernel.DealershipID]bool{made[0].ID: true, made[1].ID: false, made[2].ID: false}, got)
}

func firstPage() page.Request {
	return page.Request{Limit: 25, Sort: page.Sort{Field: "created_at", Desc: true}}
}
