package core

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// The rates a credential may have, in requests per minute.
const (
	DefaultRate = 600
	MaxRate     = 60_000
)

var (
	// ErrNotRotating is the answer to the end of a rotation that never began.
	ErrNotRotating = errs.New(errs.Conflict, "api_key.not_rotating", "This key has no second secret. Rotate it first.")
	// ErrRotating is the answer to a rotation while another one is under way.
	ErrRotating = errs.New(errs.Conflict, "api_key.rotating",
		"This key has two secrets already. Finish that rotation first, which ends the older secret.")
)

// APIKey is a credential of an account: an API key, a site key or a machine client. Its secret is not known here.
type APIKey struct {
	ID      kernel.CredentialID
	Version int64
	Kind    auth.ActorKind // KindAPIKey, KindSiteKey or KindClient
	APIKeyDetails
	Prefix     string // the beginning of the secret, to recognise it by
	NextPrefix string // of the second live secret during a rotation
	ClientID   string // of a machine client
	Test       bool   // leads made with it are test leads
	CreatedBy  *kernel.UserID
	LastUsedAt *time.Time // to about a minute
	CreatedAt  time.Time
	UpdatedAt  time.Time
	RevokedAt  *time.Time
}

// APIKeyDetails is what may be changed of a key.
type APIKeyDetails struct {
	Name          string
	Scopes        auth.ScopeSet
	Dealerships   []kernel.DealershipID // nil: all of the account
	Origins       []string              // of a site key: the web origins whose pages may use it
	RatePerMinute int
	ExpiresAt     *time.Time
}

// APIKeyFilter narrows a list. A zero field does not narrow.
type APIKeyFilter struct {
	Kind auth.ActorKind
}

// NewAPIKey is a key to be made.
type NewAPIKey struct {
	Kind auth.ActorKind
	Test bool
	APIKeyDetails
}

// IssuedKey is a key together with its secret, which is shown this once.
type IssuedKey struct {
	APIKey
	Secret string
}

// APIKeyKinds lists the kinds of keys an account may make.
func APIKeyKinds() []auth.ActorKind {
	return []auth.ActorKind{auth.KindAPIKey, auth.KindSiteKey, auth.KindClient}
}

func (d *APIKeyDetails) validate(kind auth.ActorKind, now time.Time) error {
	var w wrong
	w.text("/name", &d.Name, maxName, true)
	if d.Scopes == 0 {
		w.add("/scopes", "required", "Give at least one scope.")
	}
	if d.RatePerMinute < 1 || d.RatePerMinute > MaxRate {
		w.add("/rate_per_minute", "out_of_range", fmt.Sprintf("Must be between 1 and %d.", MaxRate))
	}
	if d.Dealerships != nil && (len(d.Dealerships) == 0 || len(d.Dealerships) > 4*maxList) {
		w.add("/dealership_ids", "invalid", fmt.Sprintf("Name between 1 and %d dealerships, or give null for all of the account.", 4*maxList))
	}
	if d.ExpiresAt = instant(d.ExpiresAt); d.ExpiresAt != nil && !d.ExpiresAt.After(now) {
		w.add("/expires_at", "past", "Give a time to come, or null for no end.")
	}
	d.validateOrigins(kind, &w)
	return w.err()
}

func (d *APIKeyDetails) validateOrigins(kind auth.ActorKind, w *wrong) {
	if kind != auth.KindSiteKey {
		if len(d.Origins) > 0 {
			w.add("/origins", "not_allowed", "Only a site key is bound to origins.")
		}
		return
	}
	if extra := d.Scopes &^ auth.SiteKeyScopes(); extra != 0 {
		w.add("/scopes", "not_allowed", "A site key is public. It may have no more than: "+auth.JoinScopes(auth.SiteKeyScopes())+".")
	}
	if len(d.Origins) == 0 || len(d.Origins) > maxList {
		w.add("/origins", "required", fmt.Sprintf("Name between 1 and %d origins of the site.", maxList))
	}
	for i, text := range d.Origins {
		origin, ok := parseOrigin(text)
		if !ok {
			w.add(fmt.Sprintf("/origins/%d", i), "invalid", "Give an origin, such as https://www.example.com: no path, and https but for localhost.")
		}
		d.Origins[i] = origin
	}
}

// parseOrigin writes an origin as browsers do.
func parseOrigin(text string) (string, bool) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", false
	}
	host := strings.ToLower(u.Hostname())
	ip, ipErr := netip.ParseAddr(host)
	local := host == "localhost" || (ipErr == nil && ip.IsLoopback())
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return "", false
	}
	origin := u.Scheme + "://" + strings.ToLower(u.Host)
	return strings.TrimSuffix(strings.TrimSuffix(origin, defaultPort(u.Scheme)), "/"), true
}

func defaultPort(scheme string) string {
	if scheme == "https" {
		return ":443"
	}
	return ":80"
}

func (d APIKeyDetails) diff(o APIKeyDetails) []string {
	var c diff
	c.add("name", d.Name == o.Name)
	c.add("scopes", d.Scopes == o.Scopes)
	c.add("dealership_ids", (d.Dealerships == nil) == (o.Dealerships == nil) && slices.Equal(d.Dealerships, o.Dealerships))
	c.add("origins", slices.Equal(d.Origins, o.Origins))
	c.add("rate_per_minute", d.RatePerMinute == o.RatePerMinute)
	c.add("expires_at", sameTime(d.ExpiresAt, o.ExpiresAt))
	return c.names
}

// PageKey is where a page sorted that way ends with this key.
func (k APIKey) PageKey(sort page.Sort) page.Key {
	return pageKey(sort, [16]byte(k.ID), k.CreatedAt, k.UpdatedAt)
}

// Credential is what a caller presents, as it is found before an account is known.
type Credential struct {
	ID            kernel.CredentialID
	Kind          auth.ActorKind // KindAPIKey, KindSiteKey, KindClient or KindPartner
	Name          string
	ClientID      string // "" for keys
	SecretHash    []byte
	NextHash      []byte           // of the second live secret; nil when there is none
	Account       kernel.AccountID // zero for a partner's
	Partner       kernel.PartnerID // zero for an account's
	Scopes        auth.ScopeSet
	Dealerships   []kernel.DealershipID
	Origins       []string
	RatePerMinute int
	Test          bool
	TokenVersion  int64
	ExpiresAt     *time.Time
	RevokedAt     *time.Time
	LastUsedAt    *time.Time
	CreatedAt     time.Time
}

// CredentialState is a credential and what else decides whether it works.
type CredentialState struct {
	Credential
	RequireIfMatch  bool // of the account
	PartnerDisabled bool
	TokenRevoked    bool
}

// UserState is a user as they sign in and act.
type UserState struct {
	User
	TokenVersion   int64
	LoginDisabled  bool
	RequireIfMatch bool
	TokenRevoked   bool // the access token or its session
	FactorMissing  bool // the account requires a second factor and the user has none
}

func (c CredentialState) usable(now time.Time) bool {
	return c.RevokedAt == nil && !c.PartnerDisabled && !c.TokenRevoked && (c.ExpiresAt == nil || now.Before(*c.ExpiresAt))
}
