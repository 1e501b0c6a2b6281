package leadsapi

import (
	"bytes"
	"context"
	"errors"
	"mime"
	"net/http"
	"time"

	"github.com/goccy/go-json"
	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/leads"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
)

const mediaADF = "application/x-adf+xml"

// errMedia is a document under a Content-Type that no document has.
var errMedia = errs.New(errs.UnsupportedMedia, "request.unsupported_media",
	"Send ADF as application/xml, application/x-adf+xml, text/xml or text/plain.")

// Receipt is what became of a document.
type Receipt struct {
	InboxID  kernel.InboxID   `json:"inbox_id"` // the document as it came in, kept
	State    leads.InboxState `json:"state" example:"accepted"`
	Leads    []ReceiptEntry   `json:"leads"` // one for each prospect that asked something, in the document's order
	Warnings []leads.Warning  `json:"warnings"`
	Problem  *ReceiptProblem  `json:"problem,omitempty"` // why nothing could be read, when quarantined
} //	@name	DocumentReceipt

// ReceiptEntry is the lead of one prospect, with what became of the enquiry and the rule that decided.
type ReceiptEntry struct {
	Lead
	Outcome leads.Outcome `json:"outcome" example:"created"`
	Rule    leads.Rule    `json:"rule" example:"new_enquiry"`
} //	@name	DocumentLead

// ReceiptProblem is why a document could not be read.
type ReceiptProblem struct {
	Code   string `json:"code" example:"document.unreadable"`
	Detail string `json:"detail" example:"The document could not be read in full: it ends inside a prospect. It is kept; correct and replay it."`
} //	@name	DocumentProblem

// Render makes the answer to a document. It is given to the leads service, which keeps the answer with the document.
func Render(r leads.Receipt) (status int, body []byte, err error) {
	out := Receipt{InboxID: r.InboxID, State: r.State, Leads: []ReceiptEntry{}, Warnings: list(r.Warnings)}
	for _, in := range r.Intakes {
		out.Leads = append(out.Leads, ReceiptEntry{Lead: shown(in), Outcome: in.Outcome, Rule: in.Rule})
	}
	switch {
	case r.State == leads.InboxQuarantined:
		status, out.Problem = http.StatusAccepted, &ReceiptProblem{Code: r.Problem.Code, Detail: r.Problem.Public}
	case r.Created() > 0:
		status = http.StatusCreated
	default:
		status = http.StatusOK
	}
	body, err = json.MarshalWithOption(out, json.DisableHTMLEscape())
	return status, body, err
}

// receiveADF takes an ADF document in.
//
//	@ID				receiveADF
//	@Summary		Send an ADF document
//	@Description	The document is kept verbatim, then read: one lead for each prospect. A readable lead is never refused; every guess is a warning.
//	@Description	201 when a lead was made, 200 when all were known, 202 when the document was kept but could not be read (see the inbox). What is
//	@Description	no lead document at all is a 422 and is kept as rejected.
//	@Tags			leads
//	@Accept			application/xml,application/x-adf+xml,text/xml,text/plain
//	@Param			dealership_id	query		string	false	"the dealership, when the document does not tell"	format(uuid)
//	@Param			dealer_code		query		string	false	"the same by dealer code"
//	@Param			body			body		string	true	"ADF 1.0"
//	@Success		201				{object}	Receipt
//	@Success		200				{object}	Receipt
//	@Success		202				{object}	Receipt
//	@Security		Bearer
//	@Router			/leads/adf [post]
func (h handler) receiveADF(c echo.Context) error {
	q := httpx.NewQuery(c)
	to := leads.Destination{DealershipID: value(httpx.QueryID[kernel.DealershipID](q, "dealership_id")), DealerCode: q.Text("dealer_code", 100)}
	if err := q.Err(); err != nil {
		return err
	}
	// The document is kept even when the caller leaves: it may not know whether it was taken in.
	ctx := context.WithoutCancel(c.Request().Context())
	in, err := inboundOf(c)
	if seen, tooLarge := httpx.OverflowOf(c, err); tooLarge {
		return h.leads.RefuseOversize(ctx, httpx.ActorOf(c), to, leads.Oversize{
			MediaType: c.Request().Header.Get(echo.HeaderContentType), Limit: seen.Limit, Size: max(seen.Declared, seen.Read), Head: seen.Head, SHA256: seen.SHA256,
		})
	}
	if err != nil {
		return err
	}
	status, body, replayed, err := h.leads.Receive(ctx, httpx.ActorOf(c), to, in)
	if err != nil {
		return err
	}
	return httpx.SendStored(c, status, body, replayed && in.Key != "")
}

func inboundOf(c echo.Context) (leads.Inbound, error) {
	media, _, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
	switch {
	case err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter):
		return leads.Inbound{}, errMedia
	case media != echo.MIMEApplicationXML && media != mediaADF && media != echo.MIMETextXML && media != echo.MIMETextPlain:
		return leads.Inbound{}, errMedia
	}
	key, err := httpx.IdempotencyKey(c)
	if err != nil {
		return leads.Inbound{}, err
	}
	body, err := httpx.Body(c)
	if err != nil {
		return leads.Inbound{}, err
	}
	return leads.Inbound{
		MediaType: c.Request().Header.Get(echo.HeaderContentType), Body: body, Key: key, Fingerprint: httpx.Fingerprint(c, body),
	}, nil
}

// ADFReport is what reading a document would make of it.
type ADFReport struct {
	Readable  bool            `json:"readable"`
	Prospects []ReportedLead  `json:"prospects"`
	Warnings  []leads.Warning `json:"warnings"`
	Problem   *ReceiptProblem `json:"problem"`
} //	@name	ADFReport

// ReportedLead is what would be read from one prospect.
type ReportedLead struct {
	Type               leads.Type           `json:"type"`
	Source             string               `json:"source"`
	RequestedAt        *time.Time           `json:"requested_at"`
	Contact            Person               `json:"contact"`
	Provider           *leads.Provider      `json:"provider"`
	Vendor             *leads.Vendor        `json:"vendor"`
	Comments           *string              `json:"comments"`
	Answers            []leads.Answer       `json:"answers"`
	VehiclesOfInterest []leads.Vehicle      `json:"vehicles_of_interest"`
	TradeIns           []leads.Vehicle      `json:"trade_ins"`
	Finance            *leads.Finance       `json:"finance"`
	Timeframe          *leads.Timeframe     `json:"timeframe"`
	ExternalRefs       []kernel.ExternalRef `json:"external_refs"`
	Consents           []leads.Consent      `json:"consents"`
	Warnings           []leads.Warning      `json:"warnings"`
} //	@name	ADFReportedLead

// validateADF reports on a document without keeping it.
//
//	@ID				validateADF
//	@Summary		Check an ADF document
//	@Description	Reports what would be read from the document, with every guess and defect. Nothing is kept.
//	@x-safe			true
//	@Tags			leads
//	@Accept			application/xml,application/x-adf+xml,text/xml,text/plain
//	@Param			body	body		string	true	"ADF 1.0"
//	@Success		200		{object}	ADFReport
//	@Security		Bearer
//	@Router			/leads/adf/validate [post]
func (h handler) validateADF(c echo.Context) error {
	q := httpx.NewQuery(c)
	if err := q.Err(); err != nil {
		return err
	}
	in, err := inboundOf(c)
	if err != nil {
		return err
	}
	r, found, err := h.leads.Check(c.Request().Context(), httpx.ActorOf(c), in.Body)
	if err != nil {
		return err
	}
	out := ADFReport{Readable: r.State == leads.InboxAccepted, Prospects: []ReportedLead{}, Warnings: list(r.Warnings)}
	if r.Problem != nil {
		out.Problem = &ReceiptProblem{Code: r.Problem.Code, Detail: r.Problem.Public}
	}
	for i := range found {
		out.Prospects = append(out.Prospects, reported(&found[i]))
	}
	return httpx.One(c, nil, httpx.Reply{Body: out})
}

func reported(n *leads.NewLead) ReportedLead {
	d := &n.Details
	return ReportedLead{
		Type: n.Type, Source: n.Source, RequestedAt: n.RequestedAt, Contact: personOf(n.Person), Provider: d.Provider, Vendor: d.Vendor,
		Comments: textOrNull(d.Comments), Answers: list(d.Answers), VehiclesOfInterest: list(d.Vehicles), TradeIns: list(d.TradeIns),
		Finance: d.Finance, Timeframe: d.Timeframe, ExternalRefs: list(d.ExternalRefs), Consents: list(d.Consents), Warnings: list(d.Warnings),
	}
}

func personOf(p leads.Person) Person {
	out := Person{
		Kind: "person", Civility: p.Civility, FirstName: p.FirstName, LastName: p.LastName, FullName: p.FullName, CompanyName: p.CompanyName, Language: p.Language,
	}
	if p.Company {
		out.Kind = "company"
	}
	for _, e := range p.Emails {
		out.Emails = append(out.Emails, Email(e))
	}
	for _, t := range p.Phones {
		out.Phones = append(out.Phones, Phone{Raw: t.Raw, Type: t.Type, Preferred: t.Preferred})
	}
	for _, a := range p.Addresses {
		out.Addresses = append(out.Addresses, Address(a))
	}
	return out
}

// sendADF writes a lead as ADF.
func (h handler) sendADF(c echo.Context, actor auth.Actor, l *leads.Lead) error {
	doc, err := h.leads.ADF(c.Request().Context(), actor, l)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := doc.Write(&b); err != nil {
		return err
	}
	return httpx.OneOf(c, mediaADF, httpx.Reply{Version: l.Version}, b.Bytes())
}

func mapChanges[T, W any](got outbox.Changes[T], wire func(*T) W) outbox.Changes[W] {
	out := outbox.Changes[W]{Items: make([]W, len(got.Items)), Next: got.Next, More: got.More}
	for i := range got.Items {
		out.Items[i] = wire(&got.Items[i])
	}
	return out
}
