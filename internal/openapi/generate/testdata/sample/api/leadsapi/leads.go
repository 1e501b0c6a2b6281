// Package leadsapi holds the sample's routes.
package leadsapi

import (
	"encoding/json"
	"time"

	"example.com/sample/api/httpx"
	"example.com/sample/internal/kernel"
	"example.com/sample/internal/platform/merge"
)

// Status is where a lead stands.
type Status string //	@name	LeadStatus

// The statuses.
const (
	StatusNew Status = "new" // untouched
	StatusWon Status = "won" // sold
)

// Money is an amount.
type Money struct {
	AmountMinor int64  `json:"amount_minor" validate:"required" example:"1000"`
	Currency    string `json:"currency" example:"EUR"`
} //	@name	Money

// Lead is an enquiry
// of a person.
type Lead struct {
	ID        kernel.LeadID   `json:"id"`
	Version   int64           `json:"version"`
	Related   []kernel.LeadID `json:"related"`
	Original  *kernel.LeadID  `json:"original"`
	Status    Status          `json:"status" example:"new"`
	Price     *Money          `json:"price"`
	Custom    json.RawMessage `json:"custom"`
	CreatedAt time.Time       `json:"created_at"`
	DeletedAt *time.Time      `json:"deleted_at"`
	Note      string          `json:"note,omitempty"`
} //	@name	Lead

// CreateLead is what opens a lead.
type CreateLead struct {
	Comments string `json:"comments" validate:"max=200"`
	Price    Money  `json:"price"`
	Status   Status `json:"status" validate:"required,oneof=new won"`
} //	@name	CreateLead

// UpdateLead changes a lead.
type UpdateLead struct {
	Comments merge.Field[string]  `json:"comments" validate:"max=200"`
	Prices   merge.Field[[]Money] `json:"prices"`
	Price    merge.Field[Money]   `json:"price"`
	Status   merge.Field[Status]  `json:"status" extensions:"!x-nullable"`
} //	@name	UpdateLead

// create opens a lead.
//
//	@ID				createLead
//	@Summary		Open a lead
//	@Description	Opens a lead.
//	@Tags			leads
//	@Accept			json
//	@Param			body	body		CreateLead	true	"the lead"
//	@Success		201		{object}	Lead
//	@Failure		409		{object}	httpx.Problem
//	@Security		Bearer
//	@Router			/leads [post]
func create() {}

// list lists leads.
//
//	@ID				listLeads
//	@Summary		List leads
//	@Description	Lists leads.
//	@Tags			leads
//	@Param			status			query		[]Status	false	"only these"		collectionFormat(csv)
//	@Param			created_at[gte]	query		string		false	"at or after"	format(date-time)
//	@Success		200				{object}	httpx.ListOf[Lead]
//	@Security		Bearer
//	@Router			/leads [get]
func list() (p httpx.ListOf[Lead]) { return p }

// get reads a lead.
//
//	@ID				getLead
//	@Summary		Read a lead
//	@Description	Reads a lead, also as text.
//	@Tags			leads
//	@Produce		json,application/xml
//	@Param			id	path		string	true	"its id"	format(uuid)
//	@Success		200	{object}	Lead
//	@Security		Bearer
//	@Router			/leads/{id} [get]
func get() {}

// patch changes a lead.
//
//	@ID				updateLead
//	@Summary		Change a lead
//	@Description	Changes a lead.
//	@Tags			leads
//	@Accept			application/merge-patch+json
//	@Param			id		path		string		true	"its id"	format(uuid)
//	@Param			body	body		UpdateLead	true	"the changes"
//	@Success		200		{object}	Lead
//	@Security		Bearer
//	@Router			/leads/{id} [patch]
func patch() {}

// remove deletes a lead.
//
//	@ID				deleteLead
//	@Summary		Delete a lead
//	@Description	Deletes a lead.
//	@Tags			leads
//	@Param			id	path	string	true	"its id"	format(uuid)
//	@Success		204
//	@Security		Bearer
//	@Router			/leads/{id} [delete]
func remove() {}

// batch opens many.
//
//	@ID				createLeads
//	@Summary		Open many leads
//	@Description	Opens many leads.
//	@Tags			leads
//	@Param			body	body		[]CreateLead	true	"the leads"
//	@Success		207		{object}	httpx.BatchOf[Lead]
//	@Security		Bearer
//	@Router			/leads/batch [post]
func batch() {}

// check writes nothing.
//
//	@ID				checkLead
//	@Summary		Check a lead
//	@Description	Checks a lead.
//	@Tags			leads
//	@Param			body	body	CreateLead	true	"the lead"
//	@Success		204
//	@Security		Bearer
//	@x-safe			true
//	@Router			/leads/check [post]
func check() {}

// health is for load balancers.
//
//	@ID				getHealth
//	@Summary		Tell whether it lives
//	@Description	Tells whether it lives.
//	@Tags			operations
//	@Produce		plain
//	@Success		200	{string}	string
//	@x-outside		true
//	@Router			/healthz [get]
func health() {}
