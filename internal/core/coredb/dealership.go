package coredb

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

type dealershipRow struct {
	AccountID    kernel.AccountID    `gorm:"primaryKey"`
	ID           kernel.DealershipID `gorm:"primaryKey"`
	Version      int64
	Name         string
	LegalName    string
	Brands       []string `gorm:"serializer:json"`
	Country      string
	TimeZone     string
	Address      addressJSON `gorm:"serializer:json"`
	Latitude     *float64
	Longitude    *float64
	Phone        string
	Email        string
	Website      string
	IsDefault    bool
	Codes        []core.Code          `gorm:"serializer:json"`
	ExternalRefs []kernel.ExternalRef `gorm:"serializer:json"`
	Custom       map[string]any       `gorm:"serializer:json"`
	CreatedAt    time.Time            `gorm:"autoCreateTime:false"`
	UpdatedAt    time.Time            `gorm:"autoUpdateTime:false"`
	DeletedAt    *time.Time
}

// TableName is gorm's question.
func (dealershipRow) TableName() string { return "dealerships" }

type addressJSON struct {
	Lines      []string `json:"lines,omitempty"`
	PostalCode string   `json:"postal_code,omitempty"`
	City       string   `json:"city,omitempty"`
	Region     string   `json:"region,omitempty"`
}

func toDealership(account kernel.AccountID) func(core.Dealership) dealershipRow {
	return func(d core.Dealership) dealershipRow {
		r := dealershipRow{
			AccountID: account, ID: d.ID, Version: d.Version, Name: d.Name, LegalName: d.LegalName, Brands: mapped(d.Brands, same),
			Country: d.Country, TimeZone: d.TimeZone, Address: addressJSON(d.Address), Phone: d.Phone, Email: d.Email,
			Website: d.Website, IsDefault: d.IsDefault, Codes: mapped(d.Codes, same), ExternalRefs: mapped(d.ExternalRefs, same),
			Custom: object(d.Custom), CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt, DeletedAt: d.DeletedAt,
		}
		if d.Position != nil {
			r.Latitude, r.Longitude = &d.Position.Latitude, &d.Position.Longitude
		}
		return r
	}
}

func fromDealership(r dealershipRow) core.Dealership {
	d := core.Dealership{
		ID: r.ID, Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, DeletedAt: r.DeletedAt,
		DealershipDetails: core.DealershipDetails{
			Name: r.Name, LegalName: r.LegalName, Brands: r.Brands, Country: r.Country, TimeZone: r.TimeZone,
			Address: core.Address(r.Address), Phone: r.Phone, Email: r.Email, Website: r.Website, IsDefault: r.IsDefault,
			Codes: r.Codes, ExternalRefs: r.ExternalRefs, Custom: r.Custom,
		},
	}
	if d.Address.Lines == nil {
		d.Address.Lines = []string{}
	}
	if r.Latitude != nil && r.Longitude != nil {
		d.Position = &core.Position{Latitude: *r.Latitude, Longitude: *r.Longitude}
	}
	return d
}

func (s *Store) dealerships(ctx context.Context, account kernel.AccountID) *gorm.DB {
	return s.db.Conn(ctx, account).Model(&dealershipRow{}).Where("account_id = ?", account)
}

// InsertDealership implements core.Store.
func (s *Store) InsertDealership(ctx context.Context, account kernel.AccountID, d core.Dealership) error {
	row := toDealership(account)(d)
	if err := s.db.Conn(ctx, account).Create(&row).Error; err != nil {
		return fmt.Errorf("insert dealership: %w", err)
	}
	return s.follow(ctx, account, d)
}

// Dealership implements core.Store.
func (s *Store) Dealership(ctx context.Context, account kernel.AccountID, id kernel.DealershipID) (core.Dealership, error) {
	return take(s.dealerships(ctx, account).Where("id = ?", id), "dealership", fromDealership)
}

// Dealerships implements core.Store.
func (s *Store) Dealerships(ctx context.Context, account kernel.AccountID, ids []kernel.DealershipID) ([]core.Dealership, error) {
	return find(s.dealerships(ctx, account).Where("id IN ?", ids), "dealerships", fromDealership)
}

// DealershipsByID implements core.Store.
func (s *Store) DealershipsByID(ctx context.Context, account kernel.AccountID, after uuid.UUID, limit int) ([]core.Dealership, error) {
	return find(s.dealerships(ctx, account).Where("id > ?", after).Order("id").Limit(limit), "dealerships", fromDealership)
}

// DefaultDealership implements core.Store.
func (s *Store) DefaultDealership(ctx context.Context, account kernel.AccountID) (core.Dealership, error) {
	const two = 2 // enough to see that there is not just one
	found, err := find(s.dealerships(ctx, account).Where("deleted_at IS NULL").Order("is_default DESC, id").Limit(two),
		"default dealership", fromDealership)
	if err != nil {
		return core.Dealership{}, err
	}
	if len(found) == 0 || (len(found) == two && !found[0].IsDefault) {
		return core.Dealership{}, core.ErrNotFound
	}
	return found[0], nil
}

// DealershipByRef implements core.Store.
func (s *Store) DealershipByRef(ctx context.Context, account kernel.AccountID, ref kernel.ExternalRef) (kernel.DealershipID, error) {
	q := s.db.Conn(ctx, account).Model(&refRow{}).Where("account_id = ? AND source = ? AND external_id = ?", account, ref.Source, ref.ID)
	return take(q, "dealership by reference", func(r refRow) kernel.DealershipID { return r.DealershipID })
}

const (
	codesUnder = `SELECT dealership_id FROM (
		SELECT scheme, dealership_id FROM dealership_codes WHERE account_id = $1 AND scheme = ANY($2) AND code = $3
		UNION ALL SELECT source, dealership_id FROM dealership_refs WHERE account_id = $1 AND source = ANY($2) AND external_id = $3
	) found ORDER BY array_position($2, scheme) LIMIT 1`
	codesAnywhere = `SELECT dealership_id FROM (
		SELECT dealership_id FROM dealership_codes WHERE account_id = $1 AND code = $2
		UNION SELECT dealership_id FROM dealership_refs WHERE account_id = $1 AND external_id = $2
	) found LIMIT 2`
)

// DealershipByCode implements core.Store.
func (s *Store) DealershipByCode(ctx context.Context, account kernel.AccountID, schemes []string, code string) (kernel.DealershipID, error) {
	sql, args := codesAnywhere, []any{account, code}
	if len(schemes) > 0 {
		sql, args = codesUnder, []any{account, schemes, code}
	}
	var found []kernel.DealershipID
	err := s.db.Query(ctx, account, sql, args, func(r db.Rows) error {
		var id kernel.DealershipID
		err := r.Scan(&id)
		found = append(found, id)
		return err
	})
	if err != nil {
		return kernel.DealershipID{}, fmt.Errorf("read dealership by code: %w", err)
	}
	if len(found) != 1 {
		return kernel.DealershipID{}, core.ErrNotFound
	}
	return found[0], nil
}

// ListDealerships implements core.Store.
func (s *Store) ListDealerships(
	ctx context.Context, account kernel.AccountID, f core.DealershipFilter, p page.Request,
) (page.Of[core.Dealership], error) {
	filtered := func() *gorm.DB {
		q := s.dealerships(ctx, account).Where("deleted_at IS NULL")
		if f.Only != nil {
			q = q.Where("id IN ?", f.Only)
		}
		if f.Country != "" {
			q = q.Where("country = ?", f.Country)
		}
		if f.Brand != "" {
			q = q.Where("brands @> ?::jsonb", jsonText([]string{f.Brand}))
		}
		return between(q, f.CreatedFrom, f.CreatedBefore, f.UpdatedFrom, f.UpdatedBefore)
	}
	return list(filtered, p, "dealerships", fromDealership, func(d core.Dealership) page.Key { return d.PageKey(p.Sort) })
}

func between(q *gorm.DB, createdFrom, createdBefore, updatedFrom, updatedBefore *time.Time) *gorm.DB {
	for _, bound := range []struct {
		condition string
		at        *time.Time
	}{
		{"created_at >= ?", createdFrom},
		{"created_at < ?", createdBefore},
		{"updated_at >= ?", updatedFrom},
		{"updated_at < ?", updatedBefore},
	} {
		if bound.at != nil {
			q = q.Where(bound.condition, *bound.at)
		}
	}
	return q
}

func jsonText(v any) string {
	text, _ := json.Marshal(v) // of texts and ids, which always can be written
	return string(text)
}

// UpdateDealership implements core.Store.
func (s *Store) UpdateDealership(
	ctx context.Context, account kernel.AccountID, id kernel.DealershipID, change func(*core.Dealership) (bool, error),
) (core.Dealership, error) {
	written := false
	query := func() *gorm.DB { return s.dealerships(ctx, account).Where("id = ?", id) }
	d, err := update(query, "dealership", fromDealership, toDealership(account), func(d *core.Dealership) (bool, error) {
		var err error
		written, err = change(d)
		return written, err
	})
	if err != nil || !written {
		return d, err
	}
	return d, s.follow(ctx, account, d)
}

type codeRow struct {
	AccountID    kernel.AccountID `gorm:"primaryKey"`
	Scheme       string           `gorm:"primaryKey"`
	Code         string           `gorm:"primaryKey"`
	DealershipID kernel.DealershipID
}

// TableName is gorm's question.
func (codeRow) TableName() string { return "dealership_codes" }

type refRow struct {
	AccountID    kernel.AccountID `gorm:"primaryKey"`
	Source       string           `gorm:"primaryKey"`
	ExternalID   string           `gorm:"primaryKey"`
	DealershipID kernel.DealershipID
}

// TableName is gorm's question.
func (refRow) TableName() string { return "dealership_refs" }

// follow keeps what a dealership is looked up by in step with it. A deleted one is not found by anything.
func (s *Store) follow(ctx context.Context, account kernel.AccountID, d core.Dealership) error {
	if d.DeletedAt != nil {
		d.Codes, d.ExternalRefs = nil, nil
	}
	own := func(model any) error {
		return s.db.Conn(ctx, account).Where("account_id = ? AND dealership_id = ?", account, d.ID).Delete(model).Error
	}
	if err := own(&codeRow{}); err != nil {
		return fmt.Errorf("replace dealership codes: %w", err)
	}
	if err := own(&refRow{}); err != nil {
		return fmt.Errorf("replace dealership references: %w", err)
	}
	codes := mapped(d.Codes, func(c core.Code) codeRow {
		return codeRow{AccountID: account, Scheme: c.Scheme, Code: c.Code, DealershipID: d.ID}
	})
	if len(codes) > 0 {
		if err := s.db.Conn(ctx, account).Create(&codes).Error; db.Violates(err, "dealership_codes_key") {
			return core.ErrCodeTaken.Because(err)
		} else if err != nil {
			return fmt.Errorf("insert dealership codes: %w", err)
		}
	}
	refs := mapped(d.ExternalRefs, func(r kernel.ExternalRef) refRow {
		return refRow{AccountID: account, Source: r.Source, ExternalID: r.ID, DealershipID: d.ID}
	})
	if len(refs) > 0 {
		if err := s.db.Conn(ctx, account).Create(&refs).Error; db.Violates(err, "dealership_refs_key") {
			return core.ErrDealershipRefTaken.Because(err)
		} else if err != nil {
			return fmt.Errorf("insert dealership references: %w", err)
		}
	}
	return nil
}
