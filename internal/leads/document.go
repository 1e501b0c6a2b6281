package leads

import (
	"context"
	"errors"
	"mime"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/pkg/adf"
)

// readDocument parses a kept document and takes its prospects in, inside the transaction of ctx. What the sender got
// wrong is in the receipt; an error is ours.
func (s *Service) readDocument(ctx context.Context, account kernel.AccountID, d *Document, body []byte) (Receipt, error) {
	r := Receipt{InboxID: d.ID, State: InboxAccepted}
	place, err := s.home(ctx, account, d.DealershipID)
	if err != nil {
		return r, err
	}
	doc, err := parse(body, adf.Options{DefaultZone: place.Zone, ReceivedAt: d.ReceivedAt, Charset: charsetOf(d.MediaType)})
	if err != nil {
		return unreadable(r, err), nil
	}
	r.Warnings = warningsOf(doc.Warnings)
	actor := d.sender(account)
	enquiries, err := s.enquiries(ctx, actor, d, doc, place, &r)
	if err != nil {
		return r, err
	}
	if len(enquiries) == 0 {
		return unreadable(r, adf.ErrNoLead), nil
	}
	if len(enquiries) > 1 {
		if err := s.reserve(ctx, actor, enquiries); err != nil {
			return r, err
		}
	}
	for _, n := range enquiries {
		in, err := s.take(ctx, actor, n)
		if err != nil {
			return r, err
		}
		r.Intakes = append(r.Intakes, s.answered(actor, n, in))
	}
	return r, nil
}

// parse also resolves what a sender escaped twice. What we wrote is escaped once, and read as it stands.
func parse(body []byte, opts adf.Options) (*adf.Document, error) {
	opts.Unescape = true
	doc, err := adf.Parse(body, opts)
	if err != nil || !slices.ContainsFunc(doc.Prospects, func(p adf.Prospect) bool { return written(&p) }) {
		return doc, err
	}
	opts.Unescape = false
	return adf.Parse(body, opts)
}

// charsetOf is the charset parameter of a Content-Type, "" when there is none.
func charsetOf(mediaType string) string {
	_, params, err := mime.ParseMediaType(mediaType)
	if err != nil {
		return ""
	}
	return params["charset"]
}

// enquiries reads the prospects. What Create would refuse is cut with a warning: what a document says is never refused.
func (s *Service) enquiries(ctx context.Context, actor auth.Actor, d *Document, doc *adf.Document, place Dealership, r *Receipt) ([]NewLead, error) {
	var out []NewLead
	for i := range doc.Prospects {
		p := &doc.Prospects[i]
		if p.Empty() {
			r.Warnings = append(r.Warnings, Warning{Path: p.Path, Code: "prospect.empty", Message: "Nobody to contact and nothing asked: no lead was made."})
			continue
		}
		at, warn, err := s.dealershipOf(ctx, actor, d, p, place)
		if err != nil {
			return nil, err
		}
		r.Warnings = append(r.Warnings, warn...)
		n := fromProspect(p, at)
		n.Person.Region = at.Country
		n.InboxID, n.ReceivedAt = d.ID, d.ReceivedAt
		n.Details.Warnings = append(append(warningsOf(doc.WarningsOf(i)), warn...), n.Details.Warnings...)
		n.Details.cut()
		s.forgive(&n)
		n.complete(actor, s.Now())
		out = append(out, n)
	}
	return out, nil
}

// reserve takes the locks of enquiries at once, in the order of every intake: references, people, and then leads.
func (s *Service) reserve(ctx context.Context, actor auth.Actor, enquiries []NewLead) error {
	var refs []Ref
	people := make([]Person, len(enquiries))
	for i, n := range enquiries {
		refs = append(refs, refsOf(actor, n.Details.ExternalRefs)...)
		people[i] = n.Person
	}
	if len(refs) > 0 {
		if err := s.Store.LockRefs(ctx, actor.Account, refs); err != nil {
			return err
		}
	}
	return s.Contacts.Reserve(ctx, actor, people)
}

// unreadable says why nothing was read: kept for a person when it may hold a lead, rejected when it is none.
func unreadable(r Receipt, err error) Receipt {
	r.State, r.Problem = InboxRejected, ErrNotLead.Saying("This is no lead document: %s.", publicReason(err))
	if adf.Quarantine(err) {
		r.State = InboxQuarantined
		r.Problem = errs.New(errs.Invalid, "document.unreadable", "The document could not be read in full: "+publicReason(err)+". It is kept; correct and replay it.")
	}
	return r
}

func publicReason(err error) string {
	for _, known := range []struct {
		err  error
		text string
	}{
		{adf.ErrEmpty, "it is empty"},
		{adf.ErrNotADF, "there is no adf or prospect element in it"},
		{adf.ErrNoLead, "no prospect in it names anybody or asks anything"},
		{adf.ErrTruncated, "it ends inside a prospect"},
		{adf.ErrTooDeep, "its elements are nested too deeply"},
		{adf.ErrTooLarge, "it has too many elements or prospects"},
	} {
		if errors.Is(err, known.err) {
			return known.text
		}
	}
	return "it could not be parsed"
}

// Check reports what reading a document would make of it, without keeping anything.
func (s *Service) Check(ctx context.Context, actor auth.Actor, body []byte) (Receipt, []NewLead, error) {
	if err := actor.Require(auth.LeadsCreate); err != nil {
		return Receipt{}, nil, err
	}
	if actor.Kind == auth.KindSiteKey {
		return Receipt{}, nil, errSiteDocument
	}
	r := Receipt{State: InboxAccepted}
	var place Dealership
	if !actor.Account.IsZero() {
		var err error
		if place, err = s.home(ctx, actor.Account, kernel.DealershipID{}); err != nil {
			return r, nil, err
		}
	}
	doc, err := parse(body, adf.Options{DefaultZone: place.Zone, ReceivedAt: s.Now()})
	if err != nil {
		return unreadable(r, err), nil, nil
	}
	r.Warnings = warningsOf(doc.Warnings)
	var found []NewLead
	for i := range doc.Prospects {
		p := &doc.Prospects[i]
		if p.Empty() {
			r.Warnings = append(r.Warnings, Warning{Path: p.Path, Code: "prospect.empty", Message: "Nobody to contact and nothing asked: no lead would be made."})
			continue
		}
		n := fromProspect(p, place)
		n.Details.Warnings = warningsOf(doc.WarningsOf(i))
		n.Details.cut()
		s.forgive(&n)
		n.complete(actor, s.Now())
		found = append(found, n)
	}
	if len(found) == 0 {
		return unreadable(r, adf.ErrNoLead), nil, nil
	}
	return r, found, nil
}

// home is the dealership whose zone, country and currency a document is read with.
func (s *Service) home(ctx context.Context, account kernel.AccountID, id kernel.DealershipID) (Dealership, error) {
	if id.IsZero() {
		var err error
		if id, _, err = s.Core.OnlyOrDefault(ctx, account); err != nil {
			return Dealership{}, err
		}
	}
	return s.Core.Dealership(ctx, account, id)
}

// dealershipOf finds the rooftop of one prospect: the caller's word, else the vendor's id, else the account's default.
func (s *Service) dealershipOf(ctx context.Context, actor auth.Actor, d *Document, p *adf.Prospect, fallback Dealership) (Dealership, []Warning, error) {
	if !d.DealershipID.IsZero() {
		return fallback, nil, nil
	}
	for _, id := range p.Vendor.IDs {
		at, ok, err := s.Core.DealershipByCode(ctx, actor.Account, id.Source, id.Ref())
		if err != nil {
			return fallback, nil, err
		}
		if ok {
			place, err := s.Core.Dealership(ctx, actor.Account, at)
			return place, nil, err
		}
	}
	_, only, err := s.Core.OnlyOrDefault(ctx, actor.Account)
	if err != nil || only {
		return fallback, nil, err
	}
	return fallback, []Warning{{
		Path: p.Path + "/vendor", Code: "vendor.unknown",
		Message: "No vendor id is a dealer code of the account: the lead went to the default dealership.",
	}}, nil
}

// ErrNoDealer is a partner's document whose vendor names no dealership that granted the partner anything.
var ErrNoDealer = errs.New(errs.Invalid, "document.unknown_dealer",
	"No vendor id in the document is a dealer code that a dealership granted you. Send dealer_code with the request, or correct the vendor. The document is kept.")

// ErrSeveralDealers is a partner's document with enquiries for several dealerships. It goes into one account's inbox as a
// whole, where those for another dealer must not be read.
var ErrSeveralDealers = errs.New(errs.Invalid, "document.several_dealers",
	"The document has prospects for several dealerships. Send one document for each dealership. The document is kept.")

// routeByVendor lets a partner act where the prospects' vendor ids say. A prospect without one goes with the others.
func (s *Service) routeByVendor(ctx context.Context, actor auth.Actor, body []byte) (auth.Actor, kernel.DealershipID, error) {
	doc, err := adf.Parse(body, adf.Options{ReceivedAt: s.Now()})
	if err != nil {
		return actor, kernel.DealershipID{}, unreadable(Receipt{}, err).Problem
	}
	into, at := actor, kernel.DealershipID{}
	for i := range doc.Prospects {
		for _, id := range doc.Prospects[i].Vendor.IDs {
			in, there, err := s.Core.ActAtCode(ctx, actor, id.Ref())
			if errs.IsKind(err, errs.NotFound) {
				continue
			}
			if err != nil {
				return actor, at, err
			}
			if !at.IsZero() && at != there {
				return actor, at, ErrSeveralDealers
			}
			into, at = in, there
			break
		}
	}
	if at.IsZero() {
		return actor, at, ErrNoDealer
	}
	return into, at, nil
}

// warningsOf are the parser's warnings, but for the elements of our own, which only ADF does not know.
func warningsOf(list []adf.Warning) []Warning {
	out := make([]Warning, 0, len(list))
	for _, w := range list {
		if w.Code != adf.WarnUnknownElement || !slices.Contains(ownElements, lastElement(w.Path)) {
			out = append(out, Warning(w))
		}
	}
	return out
}

func lastElement(path string) string {
	name, _, _ := strings.Cut(path[strings.LastIndexByte(path, '/')+1:], "[")
	return name
}

// cut brings lists to the sizes a lead may have, with a warning for each.
func (d *Details) cut() {
	cutList(d, &d.Vehicles, maxVehicles, "vehicles_of_interest")
	cutList(d, &d.TradeIns, maxVehicles, "trade_ins")
	cutList(d, &d.Answers, maxAnswers, "answers")
	cutList(d, &d.Consents, maxConsents, "consents")
	cutList(d, &d.ExternalRefs, maxRefs, "external_refs")
	d.ExternalRefs = slices.DeleteFunc(d.ExternalRefs, func(r kernel.ExternalRef) bool {
		long := len(r.Source) > maxRefSource || len(r.ID) > maxRefID
		if long {
			d.Warnings = append(d.Warnings, Warning{Path: "/external_refs", Code: "ref.too_long", Message: "A reference is longer than an id can be; it was left out."})
		}
		return long
	})
	if cutTexts(reflect.ValueOf(d).Elem()) {
		d.Warnings = append(d.Warnings, Warning{Path: "/", Code: "text.cut", Message: "A text is longer than the lead can hold and was cut; the inbox keeps the whole document."})
	}
}

// cutTexts brings every text to the length that its validate tag allows: the contract promises it of answers too.
func cutTexts(v reflect.Value) (cut bool) {
	switch v.Kind() { //nolint:exhaustive // other kinds hold no text
	case reflect.Pointer:
		return !v.IsNil() && cutTexts(v.Elem())
	case reflect.Slice:
		for i := range v.Len() {
			cut = cutTexts(v.Index(i)) || cut
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.Kind() == reflect.String {
				cut = cutText(f, v.Type().Field(i).Tag.Get("validate")) || cut
			} else if f.CanSet() {
				cut = cutTexts(f) || cut
			}
		}
	}
	return cut
}

func cutText(v reflect.Value, tag string) bool {
	_, most, ok := strings.Cut(tag, "max=")
	n, err := strconv.Atoi(most)
	text := []rune(v.String())
	if !ok || err != nil || len(text) <= n {
		return false
	}
	v.SetString(string(text[:n]))
	return true
}

func cutList[T any](d *Details, list *[]T, most int, field string) {
	if len(*list) <= most {
		return
	}
	*list = (*list)[:most]
	d.Warnings = append(d.Warnings, Warning{Path: "/" + field, Code: "list.cut", Message: "Only the first entries were kept on the lead; the inbox keeps the whole document."})
}
