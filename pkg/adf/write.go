package adf

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Marshal writes the document as Write does.
func Marshal(d *Document) ([]byte, error) {
	var b bytes.Buffer
	if err := d.Write(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Write writes the document as ADF 1.0: well-formed XML 1.0 in UTF-8, with the elements in the order of the DTD. What
// is empty is left out. It fails only when w does.
//
// Receivers commonly insist on an id with a source, a request date with an offset, make, model and year of each
// vehicle, a name with an e-mail address or a telephone number, and the name of vendor and provider; Write invents
// none of these.
func (d *Document) Write(w io.Writer) error {
	x := &xmlWriter{}
	x.buf.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<?adf version=\"1.0\"?>\n")
	x.open("adf", nil)
	for i := range d.Prospects {
		x.prospect(&d.Prospects[i])
	}
	x.extras(d.Extras)
	x.close("adf")
	_, err := w.Write(x.buf.Bytes())
	return err
}

// xmlWriter writes elements, one per line.
type xmlWriter struct {
	buf   bytes.Buffer
	depth int
}

// attrs are names and values in turn; an empty value leaves the attribute out.
type attrs []string

func (x *xmlWriter) indent() {
	for range x.depth {
		x.buf.WriteString("  ")
	}
}

func (x *xmlWriter) start(name string, with attrs) {
	x.buf.WriteByte('<')
	x.buf.WriteString(name)
	for i := 0; i+1 < len(with); i += 2 {
		if with[i+1] == "" {
			continue
		}
		x.buf.WriteByte(' ')
		x.buf.WriteString(with[i])
		x.buf.WriteString(`="`)
		x.escape(with[i+1], true)
		x.buf.WriteByte('"')
	}
	x.buf.WriteByte('>')
}

func (x *xmlWriter) end(name string) {
	x.buf.WriteString("</")
	x.buf.WriteString(name)
	x.buf.WriteString(">\n")
}

func (x *xmlWriter) open(name string, with attrs) {
	x.indent()
	x.start(name, with)
	x.buf.WriteByte('\n')
	x.depth++
}

func (x *xmlWriter) close(name string) {
	x.depth--
	x.indent()
	x.end(name)
}

// text writes an element with text, unless the text is empty.
func (x *xmlWriter) text(name, value string, with ...string) {
	if value == "" {
		return
	}
	x.element(name, value, with)
}

func (x *xmlWriter) element(name, value string, with attrs) {
	x.indent()
	x.start(name, with)
	x.escape(value, false)
	x.end(name)
}

// escape writes s so that any XML parser gives it back, less what XML 1.0 cannot carry.
func (x *xmlWriter) escape(s string, inAttr bool) {
	for _, r := range s {
		switch {
		case r == '&':
			x.buf.WriteString("&amp;")
		case r == '<':
			x.buf.WriteString("&lt;")
		case r == '>':
			x.buf.WriteString("&gt;")
		case r == '\r':
			x.buf.WriteString("&#13;")
		case inAttr && r == '"':
			x.buf.WriteString("&quot;")
		case inAttr && r == '\n':
			x.buf.WriteString("&#10;")
		case inAttr && r == '\t':
			x.buf.WriteString("&#9;")
		case xmlChar(r):
			x.buf.WriteRune(r)
		}
	}
}

// container writes an element around what inside writes, unless that is nothing and there are no extra attributes.
func (x *xmlWriter) container(name string, with attrs, extras []Extra, inside func()) {
	mark := x.buf.Len()
	all := extraAttrs(with, extras)
	x.open(name, all)
	before := x.buf.Len()
	inside()
	if x.buf.Len() == before && len(all) == len(with) {
		x.buf.Truncate(mark)
		x.depth--
		return
	}
	x.close(name)
}

// extraAttrs adds the extras that are attributes to those of the format.
func extraAttrs(with attrs, extras []Extra) attrs {
	for _, e := range extras {
		name, ok := strings.CutPrefix(e.Name, "@")
		if !ok || !legalName(name) || name == "xmlns" {
			continue
		}
		taken := false
		for i := 0; i < len(with); i += 2 {
			taken = taken || with[i] == name
		}
		if !taken {
			with = append(with, name, e.Value)
		}
	}
	return with
}

func (x *xmlWriter) extras(extras []Extra) {
	for _, e := range extras {
		if legalName(e.Name) {
			x.indent()
			x.extra(e)
		}
	}
}

func (x *xmlWriter) extra(e Extra) {
	var with attrs
	for _, a := range e.Attrs {
		with = extraAttrs(with, []Extra{{Name: "@" + a.Name, Value: a.Value}})
	}
	x.start(e.Name, with)
	x.escape(e.Value, false)
	for _, c := range e.Children {
		if legalName(c.Name) {
			x.extra(c)
		}
	}
	x.end(e.Name)
}

// legalName reports whether name is an XML name without prefix.
func legalName(name string) bool {
	local, n := readName([]byte(name))
	return n == len(name) && n > 0 && local == name && utf8.ValidString(name)
}

func flag(set bool) string {
	if set {
		return "1"
	}
	return ""
}

func (x *xmlWriter) prospect(p *Prospect) {
	status := p.Status
	if status == "" {
		status = StatusNew
	}
	x.open("prospect", extraAttrs(attrs{"status", string(status)}, p.Extras))
	x.ids(p.IDs)
	x.text("requestdate", p.RequestDate.format())
	for i := range p.Vehicles {
		x.vehicle(&p.Vehicles[i])
	}
	x.customer(&p.Customer)
	x.vendor(&p.Vendor)
	x.provider(&p.Provider)
	x.extras(p.Extras)
	x.close("prospect")
}

func (x *xmlWriter) ids(ids []ID) {
	for _, id := range ids {
		if id.Value != "" || id.Sequence != "" || id.Source != "" {
			x.element("id", id.Value, attrs{"sequence", id.Sequence, "source", id.Source})
		}
	}
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (x *xmlWriter) vehicle(v *Vehicle) {
	if v.blank() {
		return
	}
	with := attrs{"interest", first(string(v.Interest), v.InterestRaw), "status", first(string(v.Status), v.StatusRaw)}
	x.open("vehicle", extraAttrs(with, v.Extras))
	x.ids(v.IDs)
	year := v.YearRaw
	if v.Year != 0 {
		year = strconv.Itoa(v.Year)
	}
	x.text("year", year)
	x.text("make", v.Make)
	x.text("model", v.Model)
	x.text("vin", first(v.VIN, v.VINRaw))
	x.text("stock", v.Stock)
	x.text("trim", v.Trim)
	x.text("doors", v.Doors)
	x.text("bodystyle", v.BodyStyle)
	x.text("transmission", v.Transmission)
	if o := v.Odometer; o != nil {
		value := o.Raw
		if o.Value != 0 {
			value = strconv.FormatInt(o.Value, 10)
		}
		x.text("odometer", value, "status", o.Status, "units", o.Units)
	}
	x.text("condition", v.Condition)
	x.appearance(v)
	x.price(v.Price)
	x.text("pricecomments", v.PriceComments)
	for i := range v.Options {
		x.option(&v.Options[i])
	}
	x.finance(v.Finance)
	x.text("comments", v.Comments)
	x.extras(v.Extras)
	x.close("vehicle")
}

func (x *xmlWriter) appearance(v *Vehicle) {
	for _, c := range v.Colors {
		x.container("colorcombination", nil, nil, func() {
			x.text("interiorcolor", c.Interior)
			x.text("exteriorcolor", c.Exterior)
			x.text("preference", whole(c.Preference))
		})
	}
	for _, i := range v.Images {
		x.text("imagetag", i.URL, "width", whole(i.Width), "height", whole(i.Height), "alttext", i.Alt)
	}
}

// whole writes a number, nothing for 0.
func whole(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// written is the amount, or what the sender wrote in place of one.
func (m Money) written() string {
	if m.Minor == 0 {
		return m.Raw
	}
	return m.String()
}

func (x *xmlWriter) price(p *Price) {
	if p != nil {
		x.text("price", p.written(), "type", p.Type, "currency", p.Currency, "delta", p.Delta, "relativeto", p.RelativeTo,
			"source", p.Source)
	}
}

func (x *xmlWriter) option(o *Option) {
	x.container("option", nil, nil, func() {
		x.text("optionname", o.Name)
		x.text("manufacturercode", o.Code)
		x.text("stock", o.Stock)
		x.text("weighting", whole(o.Weighting))
		x.price(o.Price)
		x.extras(o.Extras)
	})
}

func (x *xmlWriter) finance(f *Finance) {
	if f == nil {
		return
	}
	x.container("finance", nil, nil, func() {
		x.text("method", f.Method)
		for i := range f.Amounts {
			x.amount("amount", &f.Amounts[i])
		}
		x.amount("balance", f.Balance)
		x.extras(f.Extras)
	})
}

func (x *xmlWriter) amount(name string, a *Amount) {
	if a != nil {
		x.text(name, a.written(), "type", a.Type, "limit", a.Limit, "currency", a.Currency)
	}
}

func (x *xmlWriter) customer(c *Customer) {
	x.container("customer", nil, c.Extras, func() {
		x.contact(&c.Contact)
		for i := range c.OtherContacts {
			x.contact(&c.OtherContacts[i])
		}
		x.ids(c.IDs)
		if t := c.Timeframe; t != nil {
			x.container("timeframe", nil, nil, func() {
				x.text("description", t.Description)
				x.text("earliestdate", t.Earliest.format())
				x.text("latestdate", t.Latest.format())
				x.extras(t.Extras)
			})
		}
		x.text("comments", c.Comments)
		x.extras(c.Extras)
	})
}

func (x *xmlWriter) contact(c *Contact) {
	x.container("contact", attrs{"primarycontact", flag(c.Primary)}, c.Extras, func() {
		kind := ""
		if c.Business {
			kind = "business"
		}
		for _, n := range []Name{{"first", c.First}, {"middle", c.Middle}, {"suffix", c.Suffix}, {"last", c.Last}, {"full", c.Full}} {
			x.text("name", n.Value, "part", n.Part, "type", kind)
		}
		for _, n := range c.OtherNames {
			x.text("name", n.Value, "part", n.Part, "type", kind)
		}
		for _, e := range c.Emails {
			x.text("email", e.Address, "preferredcontact", flag(e.Preferred))
		}
		for _, e := range c.InvalidEmails {
			x.text("email", e)
		}
		for _, p := range c.Phones {
			x.text("phone", p.Raw, "type", first(string(p.Type), p.TypeRaw), "time", p.Time, "preferredcontact", flag(p.Preferred))
		}
		for i := range c.Addresses {
			x.address(&c.Addresses[i])
		}
		x.extras(c.Extras)
	})
}

func (x *xmlWriter) address(a *Address) {
	x.container("address", attrs{"type", a.Type}, nil, func() {
		for i, line := range a.Street {
			x.text("street", line, "line", strconv.Itoa(i+1))
		}
		x.text("apartment", a.Apartment)
		x.text("city", a.City)
		x.text("regioncode", a.Region)
		x.text("postalcode", a.Postal)
		x.text("country", a.Country)
		x.extras(a.Extras)
	})
}

func (x *xmlWriter) vendor(v *Vendor) {
	x.container("vendor", nil, v.Extras, func() {
		x.ids(v.IDs)
		x.text("vendorname", v.Name)
		x.text("url", v.URL)
		contact := v.Contact
		if contact.Empty() && len(contact.Extras) == 0 {
			contact.Full = v.Name
		}
		x.contact(&contact)
		x.extras(v.Extras)
	})
}

func (x *xmlWriter) provider(p *Provider) {
	x.container("provider", nil, p.Extras, func() {
		x.ids(p.IDs)
		x.text("name", p.Name, "part", "full", "type", "business")
		x.text("service", p.Service)
		x.text("url", p.URL)
		x.text("email", p.Email)
		x.text("phone", p.Phone)
		x.contact(&p.Contact)
		x.extras(p.Extras)
	})
}
