package coreapi

import (
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/platform/audit"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

const longestAct = 100

// AuditEntry is one act of an administrator, or of the system at an administrator's command.
type AuditEntry struct {
	ID           uuid.UUID     `json:"id"`
	Act          string        `json:"act" example:"api_key.created"`
	SubjectType  string        `json:"subject_type" example:"api_key"`
	SubjectID    uuid.UUID     `json:"subject_id"` // of the resource it was done to
	ActorType    string        `json:"actor_type" enums:"user,api_key,site_key,client,partner,system" example:"user"`
	ActorID      *uuid.UUID    `json:"actor_id"`      // null for the system
	CredentialID *uuid.UUID    `json:"credential_id"` // the key, or the session of a person
	Changes      []AuditChange `json:"changes"`
	RequestID    *string       `json:"request_id" example:"9f86d081884c7d659a2feaa0c55ad015"` // null for what was done at the command line
	Network      *string       `json:"network" example:"192.0.2.0/24"`                        // the request came from there; the whole address is not kept
	CreatedAt    time.Time     `json:"created_at"`
} //	@name	AuditEntry

// AuditChange is a field that an act changed.
type AuditChange struct {
	Field    string `json:"field" example:"roles"`
	Before   any    `json:"before"`   // the value before; null when there was none, and when it is withheld
	After    any    `json:"after"`    // the value after; null when there is none, and when it is withheld
	Withheld bool   `json:"withheld"` // the values are secret, personal or long, and not kept here
} //	@name	AuditChange

func fromAuditEntry(e audit.Entry) AuditEntry {
	return AuditEntry{
		ID: e.ID, Act: e.Act, SubjectType: e.Subject, SubjectID: e.SubjectID, ActorType: string(e.ActorKind), ActorID: orNull(e.ActorID),
		CredentialID: orNull(e.Credential), Changes: httpx.Mapped(e.Changes, func(c audit.Change) AuditChange { return AuditChange(c) }),
		RequestID: orNull(e.RequestID), Network: orNull(e.Address), CreatedAt: e.At,
	}
}

// listAuditLog pages through the audit log.
//
//	@ID				listAuditLog
//	@Summary		Read the audit log
//	@Description	Every administrative act on the account: users and roles, keys, grants, dealerships, settings, sign-in security. Newest
//	@Description	first. Entries are written with the act and can be neither changed nor removed.
//	@Tags			audit
//	@Param			actor_id		query		string		false	"done by this user or key"		format(uuid)
//	@Param			act				query		[]string	false	"one of these acts"				collectionFormat(csv)
//	@Param			subject_type	query		string		false	"done to such a resource"
//	@Param			subject_id		query		string		false	"done to this resource"			format(uuid)
//	@Param			created_at[gte]	query		string		false	"done at or after"				format(date-time)
//	@Param			created_at[gt]	query		string		false	"done after"					format(date-time)
//	@Param			created_at[lte]	query		string		false	"done at or before"				format(date-time)
//	@Param			created_at[lt]	query		string		false	"done before"					format(date-time)
//	@Param			sort			query		string		false	"order"							Enums(created_at,-created_at)
//	@Param			fields			query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200				{object}	httpx.ListOf[AuditEntry]
//	@Security		Bearer
//	@Router			/audit-log [get]
func (h handler) listAuditLog(c echo.Context) error {
	q := httpx.NewQuery(c)
	f := audit.Filter{
		Actor: httpx.QueryID[uuid.UUID](q, "actor_id"), Acts: q.Strings("act"),
		Subject: q.Text("subject_type", longestAct), SubjectID: httpx.QueryID[uuid.UUID](q, "subject_id"),
	}
	f.CreatedFrom, f.Before = q.TimeRange("created_at")
	q.Fields(AuditEntry{})
	p := q.Page("-created_at", "created_at")
	if err := q.Err(); err != nil {
		return err
	}
	found, err := h.core.AuditLog(c.Request().Context(), httpx.ActorOf(c), f, p)
	if err != nil {
		return err
	}
	return httpx.List(c, q, page.Map(found, fromAuditEntry))
}
