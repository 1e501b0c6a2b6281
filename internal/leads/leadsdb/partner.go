package leadsdb

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/leads"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

type partnerRow struct {
	AccountID uuid.UUID
	LeadID    uuid.UUID
	page.Key
}

// A grant that was revoked, has expired or is for sending alone hides its dealership's leads from the partner at once.
const granted = `EXISTS (SELECT FROM live_grants g WHERE g.partner_id = p.partner_id AND g.account_id = p.account_id
	AND g.dealership_id = p.dealership_id AND g.scopes @> '["leads:read"]')`

// Locate implements leads.PartnerStore.
func (s *Store) Locate(ctx context.Context, partner kernel.PartnerID, id kernel.LeadID) (leads.PartnerLead, error) {
	var row partnerRow
	err := s.db.Partner(ctx, partner).Table("partner_leads p").Select("p.account_id, p.lead_id").
		Where("p.partner_id = ? AND p.lead_id = ?", partner, id).Where(granted).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return leads.PartnerLead{}, leads.ErrNotFound
	}
	if err != nil {
		return leads.PartnerLead{}, fmt.Errorf("locate a partner's lead: %w", err)
	}
	return row.lead(), nil
}

func (r partnerRow) lead() leads.PartnerLead {
	return leads.PartnerLead{Account: kernel.AccountID(r.AccountID), ID: kernel.LeadID(r.LeadID), Key: page.Key{At: r.At, ID: r.LeadID}}
}

// ListFor implements leads.PartnerStore.
func (s *Store) ListFor(ctx context.Context, partner kernel.PartnerID, f leads.PartnerFilter, p page.Request) (page.Of[leads.PartnerLead], error) {
	base := func() *gorm.DB { return narrow(s.db.Partner(ctx, partner).Table("partner_leads p"), partner, f) }
	column, dir, cmp := "p.created_at", "ASC", ">"
	if p.Sort.Field == "updated_at" {
		column = "p.updated_at"
	}
	if p.Sort.Desc {
		dir, cmp = "DESC", "<"
	}
	q := base().Select("p.account_id, p.lead_id, " + column + " AS at")
	if p.After != nil {
		q = q.Where("("+column+", p.lead_id) "+cmp+" (?, ?)", p.After.At, p.After.ID)
	}
	var rows []partnerRow
	if err := q.Order(column + " " + dir + ", p.lead_id " + dir).Limit(p.Limit + 1).Find(&rows).Error; err != nil {
		return page.Of[leads.PartnerLead]{}, fmt.Errorf("list a partner's leads: %w", err)
	}
	found := make([]leads.PartnerLead, len(rows))
	for i, r := range rows {
		found[i] = r.lead()
	}
	out := page.Cut(found, p.Limit, func(l leads.PartnerLead) page.Key { return l.Key })
	if p.Count != page.CountNone {
		var n int64
		if err := base().Count(&n).Error; err != nil {
			return out, fmt.Errorf("count a partner's leads: %w", err)
		}
		out.Total = &n
	}
	return out, nil
}

func narrow(q *gorm.DB, partner kernel.PartnerID, f leads.PartnerFilter) *gorm.DB {
	q = q.Where("p.partner_id = ? AND p.deleted_at IS NULL", partner).Where(granted)
	if f.Statuses != nil {
		q = q.Where("p.status IN ?", texts(f.Statuses))
	}
	if f.Dealerships != nil {
		q = q.Where("p.dealership_id IN ?", f.Dealerships)
	}
	if f.CreatedFrom != nil {
		q = q.Where("p.created_at >= ?", *f.CreatedFrom)
	}
	if f.CreatedBefore != nil {
		q = q.Where("p.created_at < ?", *f.CreatedBefore)
	}
	if f.UpdatedFrom != nil {
		q = q.Where("p.updated_at >= ?", *f.UpdatedFrom)
	}
	if f.UpdatedBefore != nil {
		q = q.Where("p.updated_at < ?", *f.UpdatedBefore)
	}
	return q
}
