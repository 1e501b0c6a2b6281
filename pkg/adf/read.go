package adf

import (
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"time"
)

// reader turns the tree into a Document.
type reader struct {
	opts     Options
	warnings []Warning
	// lifted are parts of a prospect found inside of unknown elements, still to be read.
	lifted []*node
}

func (r *reader) warnAt(path, code, message string) {
	switch {
	case len(r.warnings) < MaxWarnings:
		r.warnings = append(r.warnings, Warning{path, code, message})
	case r.warnings[MaxWarnings-1].Code != WarnCut:
		r.warnings[MaxWarnings-1] = Warning{"/", WarnCut, "There were more warnings than are kept."}
	}
}

func (r *reader) warn(n *node, code, format string, args ...any) {
	if len(r.warnings) <= MaxWarnings {
		r.warnAt(n.path(), code, fmt.Sprintf(format, args...))
	}
}

func (r *reader) document(t *tree) (*Document, error) {
	doc := &Document{}
	if t.doctype {
		r.warnAt("/", WarnDoctype, "The DOCTYPE and its entities were ignored.")
	}
	if t.prolog {
		r.warnAt("/", WarnProlog, "The XML declaration is not at the start, or not in small letters.")
	}
	for _, p := range t.problems {
		r.warn(p.at, p.code, "%s", p.message)
	}
	for _, root := range t.roots {
		r.root(root, doc)
	}
	if !slices.ContainsFunc(doc.Prospects, func(p Prospect) bool { return !p.Empty() }) {
		return nil, fail(ErrNoLead, "%d prospects, all empty", len(doc.Prospects))
	}
	doc.Warnings = r.warnings
	return doc, nil
}

// root reads an adf element or a bare prospect. Parts that stand beside the prospects belong to each of them; an adf
// element without a prospect is one itself.
func (r *reader) root(root *node, doc *Document) {
	if root.name == "prospect" {
		doc.Prospects = append(doc.Prospects, r.prospect(root))
		return
	}
	r.flaws(root)
	first := len(doc.Prospects)
	var shared []*node
	for c := root.first; c != nil; c = c.next {
		switch c.name {
		case "prospect":
			doc.Prospects = append(doc.Prospects, r.prospect(c))
		case "vendor", "provider", "customer", "vehicle", "requestdate", "id", "contact", "comments", "comment", "timeframe":
			shared = append(shared, c)
		default:
			r.extra(c, &doc.Extras)
			shared = append(shared, r.liftedProspects(doc)...)
		}
	}
	if len(shared) == 0 {
		return
	}
	if len(doc.Prospects) == first {
		p := Prospect{Status: StatusNew, Path: root.path()}
		doc.Prospects = append(doc.Prospects, p)
	}
	for _, c := range shared {
		r.warn(c, WarnMisplaced, "<%s> stands outside of a prospect; it was read as a part of each.", c.local)
		for i := first; i < len(doc.Prospects); i++ {
			r.share(c, &doc.Prospects[i])
		}
	}
}

// liftedProspects reads the prospects found inside of unknown elements, and gives the other parts found there.
func (r *reader) liftedProspects(doc *Document) []*node {
	found := r.lifted
	r.lifted = nil
	return slices.DeleteFunc(found, func(n *node) bool {
		if n.name == "prospect" {
			doc.Prospects = append(doc.Prospects, r.prospect(n))
		}
		return n.name == "prospect"
	})
}

// share adds a part that stood outside to a prospect that has none of its own.
func (r *reader) share(c *node, p *Prospect) {
	quiet := &reader{opts: r.opts} // its warnings are given once, by the first prospect
	if p.Path == c.parent.path() {
		quiet = r
	}
	switch {
	case (c.name == "comments" || c.name == "comment") && p.Customer.Comments != "",
		c.name == "contact" && !p.Customer.Contact.Empty(),
		c.name == "timeframe" && p.Customer.Timeframe != nil,
		c.name == "vendor" && (p.Vendor.Name != "" || len(p.Vendor.IDs) > 0),
		c.name == "provider" && p.Provider.Name != "",
		c.name == "customer" && !p.Customer.Contact.Empty(),
		c.name == "requestdate" && p.RequestDate.Raw != "":
		return
	}
	quiet.part(c, p)
	quiet.lift(p)
	r.warnings = append(r.warnings, quiet.warningsUnless(r)...)
}

func (r *reader) warningsUnless(other *reader) []Warning {
	if r == other {
		return nil
	}
	room := max(0, MaxWarnings-len(other.warnings))
	return r.warnings[:min(room, len(r.warnings))]
}

func (r *reader) prospect(n *node) Prospect {
	p := Prospect{Status: StatusNew, Path: n.path()}
	switch raw := n.attr("status"); strings.ToLower(raw) {
	case "", string(StatusNew):
	case string(StatusResend), "resent", "re-send":
		p.Status = StatusResend
	default:
		p.StatusRaw, _ = cutChars(raw, MaxTextChars)
		r.warn(n, WarnUnknownValue, "The status %q is neither new nor resend; read as new.", clip(raw, 40))
	}
	r.attrExtras(n, &p.Extras, "status")
	r.flaws(n)
	for c := n.first; c != nil; c = c.next {
		r.part(c, &p)
	}
	r.lift(&p)
	r.judge(n, &p)
	return p
}

// lift reads the parts of p that stood inside of unknown elements.
func (r *reader) lift(p *Prospect) {
	for len(r.lifted) > 0 {
		c := r.lifted[0]
		r.lifted = r.lifted[1:]
		r.misplaced(c, p)
	}
}

// judge warns about what a prospect lacks.
func (r *reader) judge(n *node, p *Prospect) {
	c := &p.Customer.Contact
	switch {
	case p.Empty():
		r.warn(n, WarnProspectEmpty, "The prospect has nobody to contact and asks nothing.")
	case len(c.Emails) == 0 && len(c.Phones) == 0:
		r.warn(n, WarnNoContact, "The customer has neither an e-mail address nor a telephone number.")
	case c.DisplayName() == "" && len(c.OtherNames) == 0:
		r.warn(n, WarnNoName, "The customer has no name.")
	}
}

// part reads one child of a prospect, or a child of something else that belongs to the prospect.
func (r *reader) part(c *node, p *Prospect) {
	switch c.name {
	case "id":
		r.id(c, "prospect", &p.IDs)
	case "requestdate", "requestdatetime", "leaddate":
		r.requestDate(c, p)
	case "vehicle":
		r.vehicle(c, p, "")
	case "vehicles", "trades", "trade", "tradein", "tradeins", "tradevehicle":
		r.vehicles(c, p)
	case "customer":
		r.customer(c, p)
	case "contact", "comments", "comment", "timeframe":
		r.warn(c, WarnMisplaced, "<%s> stands outside of a customer; it was read as the customer's.", c.local)
		r.customerPart(c, p)
	case "vendor":
		r.vendor(c, p)
	case "provider":
		r.provider(c, p)
	default:
		r.extra(c, &p.Extras)
	}
}

// misplaced reads a part of the prospect that stands inside another one, as it does where an end tag is missing.
func (r *reader) misplaced(c *node, p *Prospect) bool {
	switch c.name {
	case "vehicle", "customer", "vendor", "provider", "requestdate":
		r.warn(c, WarnMisplaced, "<%s> stands inside of <%s>; it was read as a part of the prospect.", c.local, c.parent.local)
		r.part(c, p)
		return true
	}
	return false
}

func (r *reader) requestDate(n *node, p *Prospect) {
	if p.RequestDate.Raw != "" {
		r.repeated(n, &p.Extras)
		return
	}
	p.RequestDate = r.date(n)
	if at := r.opts.ReceivedAt; !at.IsZero() && p.RequestDate.Time.Sub(at) > 48*time.Hour {
		r.warn(n, WarnDateFuture, "The date lies after the receipt.")
	}
}

func (r *reader) date(n *node) Date {
	raw := r.value(n)
	if raw == "" {
		return Date{}
	}
	d, note := parseDate(raw, r.opts)
	if note.code != "" {
		r.warn(n, note.code, "%s", note.message)
	}
	return d
}

// id reads an id with a value, or whose identifier was put into an attribute.
func (r *reader) id(n *node, where string, ids *[]ID) {
	id := ID{Sequence: r.attrValue(n, "sequence"), Source: r.attrValue(n, "source"), Value: r.value(n), Where: where}
	if id.Value != "" || id.Sequence != "" || id.Source != "" {
		*ids = append(*ids, id)
	}
}

// value gives the text of n: trimmed, cut to the limit, empty for a placeholder.
func (r *reader) value(n *node) string {
	v := r.textOf(n, MaxTextChars)
	if placeholder(v) {
		r.warn(n, WarnPlaceholder, "%q was taken as absent.", v)
		return ""
	}
	return v
}

// comments gives the text of an element that may hold a long one.
func (r *reader) comments(n *node) string {
	v := r.textOf(n, MaxCommentsChars)
	if placeholder(v) {
		r.warn(n, WarnPlaceholder, "%q was taken as absent.", v)
		return ""
	}
	return v
}

func (r *reader) textOf(n *node, limit int) string {
	r.flaws(n)
	for c := n.first; c != nil; c = c.next {
		r.flaws(c)
	}
	v := r.unescape(n, n.allText())
	if v == "" && kinds[n.name] == leaf {
		if v = n.attr("value"); v != "" {
			r.warn(n, WarnMisplaced, "The value of <%s> was taken from its attribute.", clip(n.local, 40))
		}
	}
	short, cut := cutChars(v, limit)
	if cut || n.flaws&textCut != 0 {
		r.warn(n, WarnTextCut, "The text is longer than %d characters; the rest was cut off.", limit)
	}
	return short
}

var reference = regexp.MustCompile(`&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,30});`)

// unescape resolves references that are still there after the XML was read, when the options ask for it.
func (r *reader) unescape(n *node, v string) string {
	if !r.opts.Unescape || strings.IndexByte(v, '&') < 0 || n.flaws&unknownEntity != 0 {
		return v
	}
	plain := reference.ReplaceAllStringFunc(v, html.UnescapeString)
	if plain == v {
		return v
	}
	plain = reference.ReplaceAllStringFunc(plain, html.UnescapeString) // once more, for a third time is not rare
	r.warn(n, WarnDoubleEscaped, "The value was escaped twice.")
	clean, _ := appendText(nil, []byte(plain), true)
	return trim(string(clean))
}

// flaws warns about what was wrong with the text of n.
func (r *reader) flaws(n *node) {
	for _, f := range []struct {
		bit           flaw
		code, message string
	}{
		{bareAmpersand, WarnBareAmpersand, "A bare & was taken for the character."},
		{bareLess, WarnBareLess, "A bare < was taken for the character."},
		{unknownEntity, WarnUnknownEntity, "An entity that is not known was kept as written."},
		{controlChars, WarnControlChars, "Characters that XML forbids were left out."},
		{inlineMarkup, WarnInlineMarkup, "Markup inside of the text was taken for text."},
	} {
		if n.flaws&f.bit != 0 {
			r.warn(n, f.code, "%s", f.message)
		}
	}
	if kinds[n.name] == container && n.first != nil && len(n.text) > 0 {
		if stray := trim(string(n.text[:min(len(n.text), 300)])); stray != "" {
			r.warn(n, WarnStrayText, "Words between the elements were ignored: %q.", clip(strings.ToValidUTF8(stray, ""), 60))
		}
	}
	n.flaws &= textCut // each once
}

// attrValue gives an attribute as a value: cut to the limit, empty for a placeholder.
func (r *reader) attrValue(n *node, names ...string) string {
	v := n.attr(names...)
	if v == "" || placeholder(v) {
		return ""
	}
	short, cut := cutChars(v, MaxTextChars)
	if cut {
		r.warn(n, WarnTextCut, "The attribute %s is longer than %d characters; the rest was cut off.", names[0], MaxTextChars)
	}
	return short
}

// code gives an attribute that is a code: in lower case.
func (r *reader) code(n *node, names ...string) string {
	return strings.ToLower(r.attrValue(n, names...))
}

// text reads n into dst, which an element of that name may fill once.
func (r *reader) text(n *node, dst *string, extras *[]Extra) {
	if *dst != "" {
		r.repeated(n, extras)
		return
	}
	*dst = r.value(n)
}

// prose reads n after what is in dst already.
func (r *reader) prose(n *node, dst *string) {
	v := r.comments(n)
	if *dst == "" || v == "" {
		*dst += v
		return
	}
	joined, cut := cutChars(*dst+"\n\n"+v, MaxCommentsChars)
	if cut {
		r.warn(n, WarnTextCut, "All comments together are longer than %d characters; the rest was cut off.", MaxCommentsChars)
	}
	*dst = joined
}

// alias warns when n goes by another name than ADF gives it.
func (r *reader) alias(n *node, name string) {
	if n.name != name {
		r.warn(n, WarnAlias, "<%s> was read as <%s>.", clip(n.local, 40), name)
	}
}

// repeated keeps what ADF allows but once as an extra.
func (r *reader) repeated(n *node, extras *[]Extra) {
	if e := r.extraOf(n); !e.blank() {
		r.warn(n, WarnRepeated, "There is more than one <%s>; the first one counts.", clip(n.local, 40))
		*extras = append(*extras, e)
	}
}

// extra keeps an element that ADF does not know. An empty one is nothing to keep.
func (r *reader) extra(n *node, extras *[]Extra) {
	e := r.extraOf(n)
	switch {
	case e.blank():
		return
	case kinds[n.name] == unknownKind:
		r.warn(n, WarnUnknownElement, "<%s> is no element of ADF; it was kept as an extra.", clip(n.local, 40))
	default:
		r.warn(n, WarnMisplaced, "<%s> does not belong here; it was kept as an extra.", clip(n.local, 40))
	}
	*extras = append(*extras, e)
}

func (e Extra) blank() bool {
	return e.Value == "" && len(e.Attrs) == 0 && !slices.ContainsFunc(e.Children, func(c Extra) bool { return !c.blank() })
}

func (r *reader) extraOf(n *node) Extra {
	r.flaws(n)
	text, cut := cutChars(trim(string(n.text)), MaxCommentsChars)
	if cut || n.flaws&textCut != 0 {
		r.warn(n, WarnTextCut, "The text is longer than %d characters; the rest was cut off.", MaxCommentsChars)
	}
	e := Extra{Name: n.local, Value: strings.ToValidUTF8(text, "")}
	for _, a := range n.attrs {
		if v := r.attrOf(n, a); v != "" {
			e.Attrs = append(e.Attrs, Attr{a.name, v})
		}
	}
	for c := n.first; c != nil; c = c.next {
		if c.belongsElsewhere() {
			r.lifted = append(r.lifted, c)
			continue
		}
		e.Children = append(e.Children, r.extraOf(c))
	}
	return e
}

// belongsElsewhere tells an element that is read in its own right, in whatever it was left open.
func (n *node) belongsElsewhere() bool {
	switch n.name {
	case "vehicle", "customer", "vendor", "provider", "requestdate", "prospect":
		return true
	}
	return false
}

// hasText tells whether n, or an element inside that belongs there, has text.
func (n *node) hasText() bool {
	if trim(string(n.text)) != "" {
		return true
	}
	for c := n.first; c != nil; c = c.next {
		if !c.belongsElsewhere() && c.hasText() {
			return true
		}
	}
	return false
}

// attrOf gives an attribute as it is kept; namespace declarations are not, and of repeated ones only the first.
func (r *reader) attrOf(n *node, a attr) string {
	if a.name == "xmlns" || n.attr(a.name) != trim(a.value) {
		return ""
	}
	v, cut := cutChars(trim(a.value), MaxTextChars)
	if cut {
		r.warn(n, WarnTextCut, "The attribute %s is longer than %d characters; the rest was cut off.", a.name, MaxTextChars)
	}
	return v
}

// attrExtras keeps the attributes of n that ADF does not know.
func (r *reader) attrExtras(n *node, extras *[]Extra, known ...string) {
	for i, a := range n.attrs {
		if slices.Contains(known, a.name) || slices.ContainsFunc(n.attrs[:i], func(b attr) bool { return b.name == a.name }) {
			continue
		}
		if v := r.attrOf(n, a); v != "" {
			addExtras(extras, Extra{Name: "@" + a.name, Value: v})
		}
	}
}

// addExtras adds extras: attributes before elements, and none that is there already.
func addExtras(dst *[]Extra, more ...Extra) {
	for _, e := range more {
		switch at := slices.IndexFunc(*dst, func(o Extra) bool { return o.Name[0] != '@' }); {
		case e.Name[0] != '@' || at < 0 && !hasExtra(*dst, e.Name):
			*dst = append(*dst, e)
		case !hasExtra(*dst, e.Name):
			*dst = slices.Insert(*dst, at, e)
		}
	}
}

func hasExtra(extras []Extra, name string) bool {
	return slices.ContainsFunc(extras, func(e Extra) bool { return e.Name == name })
}

// placeholder reports whether a value only says that there is none.
func placeholder(v string) bool {
	if len(v) > 24 {
		return false
	}
	switch strings.ToLower(strings.Trim(v, " .()[]<>{}*")) {
	case "":
		return v != ""
	case "null", "nil", "none", "n/a", "na", "n.a", "unknown", "undefined", "unspecified", "not specified", "not provided",
		"not available", "not applicable", "not given", "no value", "empty", "blank", "nan", "-", "--", "---", "?", "??",
		"???", "_", "inconnu", "inconnue", "non renseigné", "non renseignée", "non renseigne", "non précisé", "non précisée",
		"non communiqué", "non spécifié", "object object", "no especificado", "desconocido", "unbekannt", "keine angabe", "k.a":
		return true
	}
	return false
}
