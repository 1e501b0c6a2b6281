package adf

import (
	"strconv"
	"strings"

	"github.com/rooftop-crm/rooftop/pkg/vin"
)

// vehicles reads a wrapper around vehicles, or a trade-in that is not called vehicle.
func (r *reader) vehicles(n *node, p *Prospect) {
	interest := InterestTradeIn
	if n.name == "vehicles" {
		interest = ""
	}
	inner := false
	for c := n.first; c != nil; c = c.next {
		switch c.name {
		case "vehicle", "trade", "tradein":
			inner = true
			r.vehicle(c, p, interest)
		}
	}
	if !inner {
		r.alias(n, "vehicle")
		r.vehicle(n, p, interest)
	}
}

// vehicle reads one vehicle; interest is what it counts as when it does not say.
func (r *reader) vehicle(n *node, p *Prospect, interest Interest) {
	v := Vehicle{Interest: interest}
	r.interest(n, &v)
	r.vehicleStatus(n, &v)
	r.vehicleAttrs(n, &v)
	r.attrExtras(n, &v.Extras, "interest", "status", "year", "make", "model", "trim", "vin", "stock")
	r.flaws(n)
	filled := !v.blank()
	if n.first == nil {
		v.Comments = r.comments(n)
		filled = filled || v.Comments != ""
	}
	for c := n.first; c != nil; c = c.next {
		if r.misplaced(c, p) {
			continue
		}
		filled = filled || c.hasText()
		if !r.vehicleText(c, &v) {
			r.vehiclePart(c, &v)
		}
	}
	if !filled || v.blank() {
		r.warn(n, WarnVehicleEmpty, "The vehicle is empty; it was dropped.")
		return
	}
	p.Vehicles = append(p.Vehicles, v)
}

// vehicleAttrs reads what a sender put into attributes of the vehicle instead of elements.
func (r *reader) vehicleAttrs(n *node, v *Vehicle) {
	found := false
	for name, dst := range map[string]*string{"make": &v.Make, "model": &v.Model, "trim": &v.Trim, "stock": &v.Stock} {
		*dst = r.attrValue(n, name)
		found = found || *dst != ""
	}
	if y, err := strconv.Atoi(r.attrValue(n, "year")); err == nil && plausibleYear(y) {
		v.Year, found = y, true
	}
	if number, ok := vinIn(r.attrValue(n, "vin")); ok {
		v.VIN, found = number, true
	}
	if found {
		r.warn(n, WarnMisplaced, "The vehicle was read from attributes.")
	}
}

func plausibleYear(y int) bool { return y >= 1885 && y <= 2100 }

// blank reports that nothing is known of the vehicle but its interest and status.
func (v *Vehicle) blank() bool {
	return v.Year == 0 && len(v.IDs)+len(v.Colors)+len(v.Images)+len(v.Options)+len(v.Extras) == 0 &&
		v.Odometer == nil && v.Price == nil && v.Finance == nil &&
		v.YearRaw+v.Make+v.Model+v.Trim+v.VIN+v.VINRaw+v.Stock+v.Doors+v.BodyStyle+v.Transmission+v.Condition+
			v.PriceComments+v.Comments == ""
}

func (r *reader) interest(n *node, v *Vehicle) {
	raw := r.attrValue(n, "interest")
	switch strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(raw)) {
	case "":
	case "buy", "purchase", "buying":
		v.Interest = InterestBuy
	case "lease", "leasing":
		v.Interest = InterestLease
	case "sell", "selling":
		v.Interest = InterestSell
	case "tradein", "trade":
		v.Interest = InterestTradeIn
	case "testdrive":
		v.Interest = InterestTestDrive
	default:
		v.InterestRaw = raw
		r.warn(n, WarnUnknownValue, "The interest %q is not in ADF's list.", clip(raw, 40))
	}
}

func (r *reader) vehicleStatus(n *node, v *Vehicle) {
	raw := r.attrValue(n, "status")
	switch strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(raw)) {
	case "":
		return
	case "new", "n", "neuf":
		v.Status = VehicleNew
		return
	case "used", "u", "usado", "occasion":
		v.Status = VehicleUsed
		return
	case "cpo", "certified", "certifiedpreowned", "certifiedused", "preowned":
		v.Status = VehicleUsed
	}
	v.StatusRaw = raw
	r.warn(n, WarnUnknownValue, "The vehicle's status %q is neither new nor used.", clip(raw, 40))
}

// vehicleText reads the children that are plain text; it says no when c is none of them.
func (r *reader) vehicleText(c *node, v *Vehicle) bool {
	var dst *string
	name := c.name
	switch name {
	case "make":
		dst = &v.Make
	case "model", "modelname":
		name, dst = "model", &v.Model
	case "trim", "trimlevel":
		name, dst = "trim", &v.Trim
	case "stock", "stocknumber", "stockno", "stockid", "stocknum":
		name, dst = "stock", &v.Stock
	case "doors":
		dst = &v.Doors
	case "bodystyle", "bodytype":
		name, dst = "bodystyle", &v.BodyStyle
	case "transmission":
		dst = &v.Transmission
	case "condition":
		r.condition(c, v)
		return true
	default:
		return false
	}
	r.alias(c, name)
	r.text(c, dst, &v.Extras)
	return true
}

func (r *reader) vehiclePart(c *node, v *Vehicle) {
	switch c.name {
	case "id":
		r.id(c, "vehicle", &v.IDs)
	case "year", "modelyear":
		r.alias(c, "year")
		r.year(c, v)
	case "vin":
		r.vin(c, v)
	case "odometer", "mileage", "miles", "kilometers", "kilometres":
		r.alias(c, "odometer")
		r.odometer(c, v)
	case "colorcombination":
		r.colors(c, v)
	case "color", "colour", "exteriorcolor", "interiorcolor":
		r.looseColor(c, v)
	case "imagetag":
		r.image(c, v)
	case "price":
		if v.Price != nil {
			r.repeated(c, &v.Extras)
			return
		}
		v.Price = r.price(c)
	case "pricecomments":
		r.prose(c, &v.PriceComments)
	case "option":
		r.option(c, v)
	case "options":
		r.options(c, v)
	case "finance":
		r.finance(c, v)
	case "comments", "comment":
		r.alias(c, "comments")
		r.prose(c, &v.Comments)
	default:
		r.extra(c, &v.Extras)
	}
}

// condition keeps "unknown", which is a value of ADF here.
func (r *reader) condition(c *node, v *Vehicle) {
	if v.Condition != "" {
		r.repeated(c, &v.Extras)
		return
	}
	raw := r.textOf(c, MaxTextChars)
	switch lower := strings.ToLower(raw); lower {
	case "excellent", "good", "fair", "poor", "unknown":
		v.Condition = lower
	default:
		if !placeholder(raw) {
			v.Condition = raw
		}
	}
}

func (r *reader) year(c *node, v *Vehicle) {
	if v.Year != 0 || v.YearRaw != "" {
		r.repeated(c, &v.Extras)
		return
	}
	raw := r.value(c)
	y, err := strconv.Atoi(strings.TrimSuffix(raw, ".0"))
	switch {
	case raw == "" || err == nil && y == 0:
	case err == nil && plausibleYear(y):
		v.Year = y
	default:
		v.YearRaw = raw
		r.warn(c, WarnYear, "%q is not one year.", clip(raw, 40))
	}
}

func (r *reader) vin(c *node, v *Vehicle) {
	if v.VIN != "" || v.VINRaw != "" {
		r.repeated(c, &v.Extras)
		return
	}
	raw := r.value(c)
	if raw == "" {
		return
	}
	number, ok := vinIn(raw)
	if !ok {
		v.VINRaw = raw
		r.warn(c, WarnVIN, "%q has not the form of a VIN.", clip(raw, 40))
		return
	}
	if len(number) != len(raw) {
		r.warn(c, WarnVINTidied, "Blanks, hyphens or a label were taken out of the VIN.")
	}
	v.VIN = number
}

// vinIn gives the VIN that a text is. Its check digit may be wrong: the enquiry stays what the person wrote.
func vinIn(text string) (number string, ok bool) {
	v, err := vin.Parse(text)
	return string(v), err == nil && !v.Placeholder()
}

// figure splits an element that nests its number and its unit (<value>, <units>).
func (r *reader) figure(c *node, units ...string) (raw, unit string) {
	for _, name := range units {
		if u := c.child(name); u != nil && unit == "" {
			unit = r.value(u)
		}
	}
	for _, name := range []string{"value", "amount", "reading"} {
		if inner := c.child(name); inner != nil {
			return r.value(inner), unit
		}
	}
	return r.value(c), unit
}

func (r *reader) odometer(c *node, v *Vehicle) {
	if v.Odometer != nil {
		r.repeated(c, &v.Extras)
		return
	}
	raw, unit := r.figure(c, "units", "unit")
	if raw == "" {
		return
	}
	o := &Odometer{Raw: raw, Status: strings.ToLower(c.attr("status"))}
	o.Status, _ = cutChars(o.Status, MaxTextChars)
	if unit == "" {
		unit = r.attrValue(c, "units", "unit")
	}
	o.Units = distanceUnit(unit)
	if unit != "" && o.Units == "" {
		r.warn(c, WarnUnknownValue, "The unit %q is neither km nor mi.", clip(unit, 40))
	}
	d, rest, ok := parseDecimal(raw, 0)
	if ok {
		o.Value, ok = d.whole()
	}
	if !ok {
		r.warn(c, WarnNumber, "%q is no mileage.", clip(raw, 40))
	} else if d.guessed {
		r.warn(c, WarnNumberGuessed, "%q was read as %d.", clip(raw, 40), o.Value)
	}
	if o.Units == "" {
		o.Units = distanceUnit(rest)
	}
	if o.Units == "" && (c.name == "miles" || c.name == "kilometers" || c.name == "kilometres") {
		o.Units = distanceUnit(c.name)
	}
	v.Odometer = o
}

func (r *reader) colors(n *node, v *Vehicle) {
	r.flaws(n)
	col := Color{}
	var loose []*node // repeated colours, and what belongs to the vehicle
	for c := n.first; c != nil; c = c.next {
		switch {
		case c.name == "interiorcolor" && col.Interior == "":
			col.Interior = r.value(c)
		case c.name == "exteriorcolor" && col.Exterior == "":
			col.Exterior = r.value(c)
		case c.name == "preference" && col.Preference == 0:
			rank, err := strconv.Atoi(r.value(c))
			if err != nil {
				r.extra(c, &v.Extras)
				continue
			}
			col.Preference = rank
		default:
			loose = append(loose, c)
		}
	}
	if n.first == nil {
		col.Exterior = r.value(n)
	}
	if col.Interior != "" || col.Exterior != "" {
		v.Colors = append(v.Colors, col)
	}
	for _, c := range loose {
		if !r.vehicleText(c, v) {
			r.vehiclePart(c, v)
		}
	}
}

// looseColor reads a colour that stands outside of a colorcombination.
func (r *reader) looseColor(c *node, v *Vehicle) {
	value := r.value(c)
	if value == "" {
		return
	}
	r.warn(c, WarnMisplaced, "<%s> stands outside of <colorcombination>.", clip(c.local, 40))
	last := len(v.Colors) - 1
	switch {
	case c.name == "interiorcolor" && last >= 0 && v.Colors[last].Interior == "":
		v.Colors[last].Interior = value
	case c.name == "interiorcolor":
		v.Colors = append(v.Colors, Color{Interior: value})
	case last >= 0 && v.Colors[last].Exterior == "":
		v.Colors[last].Exterior = value
	default:
		v.Colors = append(v.Colors, Color{Exterior: value})
	}
}

func (r *reader) image(c *node, v *Vehicle) {
	url := r.value(c)
	if url == "" {
		return
	}
	img := Image{URL: url, Alt: r.attrValue(c, "alttext", "alt")}
	img.Width = r.pixels(c, "width")
	img.Height = r.pixels(c, "height")
	v.Images = append(v.Images, img)
}

func (r *reader) pixels(c *node, name string) int {
	raw := strings.TrimSuffix(r.code(c, name), "px")
	n, err := strconv.Atoi(trim(raw))
	if raw != "" && (err != nil || n < 0) {
		r.warn(c, WarnNumber, "The %s %q is no number.", name, clip(raw, 40))
		return 0
	}
	return n
}

// price reads a price; nil when the element is empty.
func (r *reader) price(c *node) *Price {
	m, ok := r.money(c)
	if !ok {
		return nil
	}
	return &Price{
		Money: m, Type: r.code(c, "type"), Delta: r.code(c, "delta"), RelativeTo: r.code(c, "relativeto"),
		Source: r.attrValue(c, "source"),
	}
}

func (r *reader) money(c *node) (Money, bool) {
	raw, currency := r.figure(c, "currency")
	if raw == "" {
		return Money{}, false
	}
	if currency == "" {
		currency = r.attrValue(c, "currency")
	}
	m := Money{Raw: raw, Currency: currencyCode(currency)}
	if m.Currency == "" && currency != "" {
		r.warn(c, WarnUnknownValue, "The currency %q is no code of ISO 4217.", clip(currency, 40))
	}
	d, rest, ok := parseDecimal(raw, CurrencyExponent(m.Currency))
	if m.Currency == "" && ok {
		if m.Currency = currencyIn(rest); m.Currency != "" {
			r.warn(c, WarnCurrencyGuessed, "The currency %s was taken from the text.", m.Currency)
		}
	}
	m.Exponent = CurrencyExponent(m.Currency)
	if ok {
		m.Minor, ok = d.scaled(m.Exponent)
	}
	if ok && negative(raw) {
		m.Minor = -m.Minor
	}
	if !ok {
		m.Minor = 0
		r.warn(c, WarnNumber, "%q is no amount.", clip(raw, 40))
	} else if d.guessed {
		r.warn(c, WarnNumberGuessed, "%q was read as %s.", clip(raw, 40), m)
	}
	return m, true
}

// negative amounts make sense for deltas only and are written with a plain sign in front.
func negative(raw string) bool {
	return len(raw) > 1 && raw[0] == '-' && isDigit(rune(raw[1]))
}

// options reads a wrapper around options.
func (r *reader) options(n *node, v *Vehicle) {
	if n.child("option") == nil {
		r.extra(n, &v.Extras)
		return
	}
	r.warn(n, WarnUnknownElement, "<%s> is no element of ADF; the options inside were read.", clip(n.local, 40))
	r.flaws(n)
	for c := n.first; c != nil; c = c.next {
		if c.name == "option" {
			r.option(c, v)
		} else {
			r.extra(c, &v.Extras)
		}
	}
}

func (r *reader) option(n *node, v *Vehicle) {
	r.flaws(n)
	o := Option{}
	for c := n.first; c != nil; c = c.next {
		switch c.name {
		case "optionname", "name":
			r.alias(c, "optionname")
			r.text(c, &o.Name, &o.Extras)
		case "manufacturercode":
			r.text(c, &o.Code, &o.Extras)
		case "stock":
			r.text(c, &o.Stock, &o.Extras)
		case "weighting":
			w, err := strconv.Atoi(r.value(c))
			if err != nil || o.Weighting != 0 || w < -100 || w > 100 {
				r.extra(c, &o.Extras)
				continue
			}
			o.Weighting = w
		case "price":
			if o.Price != nil {
				r.repeated(c, &o.Extras)
				continue
			}
			o.Price = r.price(c)
		default:
			r.extra(c, &o.Extras)
		}
	}
	if n.first == nil {
		o.Name = r.value(n)
	}
	if o.Name != "" || o.Code != "" || o.Stock != "" || o.Price != nil || len(o.Extras) > 0 {
		v.Options = append(v.Options, o)
	}
}

func (r *reader) finance(n *node, v *Vehicle) {
	if v.Finance != nil {
		r.repeated(n, &v.Extras)
		return
	}
	r.flaws(n)
	f := &Finance{}
	for c := n.first; c != nil; c = c.next {
		switch c.name {
		case "method":
			if f.Method != "" {
				r.repeated(c, &f.Extras)
				continue
			}
			f.Method = strings.ToLower(r.value(c))
		case "amount":
			if a := r.amount(c); a != nil {
				f.Amounts = append(f.Amounts, *a)
			}
		case "balance":
			if f.Balance != nil {
				r.repeated(c, &f.Extras)
				continue
			}
			f.Balance = r.amount(c)
		default:
			r.extra(c, &f.Extras)
		}
	}
	if n.first == nil {
		f.Method = strings.ToLower(r.value(n))
	}
	if f.Method != "" || len(f.Amounts) > 0 || f.Balance != nil || len(f.Extras) > 0 {
		v.Finance = f
	}
}

func (r *reader) amount(c *node) *Amount {
	m, ok := r.money(c)
	if !ok {
		return nil
	}
	return &Amount{Money: m, Type: r.code(c, "type"), Limit: r.code(c, "limit")}
}
