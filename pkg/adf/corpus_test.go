package adf

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// expectation is a JSON file of the corpus: what a person reads in the document beside it. testdata/README.md says
// what the fields mean.
type expectation struct {
	Expect    string           `json:"expect"`
	AlsoOK    string           `json:"also_ok"`
	Tier      int              `json:"tier"`
	Prospects []map[string]any `json:"prospects"`
	Safety    struct {
		MustNotContain []string `json:"must_not_contain"`
		MaxSeconds     float64  `json:"max_seconds"`
	} `json:"safety"`
}

func TestCorpus(t *testing.T) {
	t.Parallel()
	var files []string
	for _, folder := range []string{"corpus", "hostile"} {
		found, err := filepath.Glob(filepath.Join("testdata", folder, "*.xml"))
		require.NoError(t, err)
		files = append(files, found...)
	}
	require.Len(t, files, 37)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			checkFile(t, file)
		})
	}
}

func checkFile(t *testing.T, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	var want expectation
	raw, err := os.ReadFile(strings.TrimSuffix(file, ".xml") + ".json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &want))

	start := time.Now()
	doc, err := Parse(data, Options{})
	if limit := want.Safety.MaxSeconds; limit > 0 {
		assert.Less(t, time.Since(start).Seconds(), limit)
	}
	switch {
	case err != nil && want.Expect != "reject" && want.AlsoOK != "reject":
		require.NoError(t, err)
	case err == nil && want.Expect != "accept" && want.AlsoOK != "accept":
		require.Error(t, err)
	}
	if err != nil {
		return
	}
	dump := fmt.Sprintf("%+v", doc.Prospects)
	for _, forbidden := range want.Safety.MustNotContain {
		assert.NotContains(t, dump, forbidden)
	}
	if want.Prospects == nil {
		return
	}
	if want.Tier == 2 || want.Expect == "reject" {
		assert.NotEmpty(t, doc.Warnings, "a broken document must give warnings")
	}
	require.Len(t, doc.Prospects, len(want.Prospects))
	for i, p := range want.Prospects {
		checkProspect(t, p, &doc.Prospects[i])
	}
	again := roundTrip(t, doc)
	for i, p := range want.Prospects {
		p["requestdate"] = nil
		checkProspect(t, p, &again.Prospects[i])
	}
}

func checkProspect(t *testing.T, want map[string]any, p *Prospect) {
	t.Helper()
	c := &p.Customer.Contact
	same(t, "status", orWord(want["status"], "new"), string(p.Status))
	same(t, "first", want["first"], c.First)
	same(t, "last", want["last"], c.Last)
	same(t, "full", want["full"], c.Full)
	same(t, "provider", want["provider"], p.Provider.Name)
	same(t, "provider_service", want["provider_service"], p.Provider.Service)
	same(t, "vendor", want["vendor"], p.Vendor.Name)
	if from := want["vendor_from"]; from != nil && p.Vendor.NameFrom != "vendorname" {
		same(t, "vendor_from", from, p.Vendor.NameFrom)
	}
	same(t, "comments", want["comments"], strings.Join(strings.Fields(p.Customer.Comments), " "))
	if d, ok := want["requestdate"].(map[string]any); ok {
		checkDate(t, d, p.RequestDate)
	}
	var emails, invalid []any
	for _, e := range c.Emails {
		emails = append(emails, e.Address)
	}
	for _, e := range c.InvalidEmails {
		invalid = append(invalid, e)
	}
	assert.ElementsMatch(t, want["emails"], emails)
	assert.ElementsMatch(t, list(want["emails_invalid"]), invalid)
	require.Len(t, c.Phones, len(list(want["phones"])))
	for i, ph := range list(want["phones"]) {
		checkPhone(t, object(ph), c.Phones[i])
	}
	require.Len(t, p.Vehicles, len(list(want["vehicles"])))
	for i, v := range list(want["vehicles"]) {
		checkVehicle(t, object(v), &p.Vehicles[i])
	}
	ids := p.AllIDs()
	require.Len(t, ids, len(list(want["ids"])))
	for i, id := range list(want["ids"]) {
		o := object(id)
		same(t, "id where", o["where"], ids[i].Where)
		same(t, "id sequence", o["sequence"], ids[i].Sequence)
		same(t, "id source", o["source"], ids[i].Source)
		same(t, "id value", o["value"], ids[i].Value)
	}
	if a := object(want["address"]); a != nil {
		require.Len(t, c.Addresses, 1)
		got := c.Addresses[0]
		require.Len(t, got.Street, len(list(a["street"])))
		for i, s := range list(a["street"]) {
			same(t, "street", s, got.Street[i])
		}
		same(t, "city", a["city"], got.City)
		same(t, "region", a["region"], got.Region)
		same(t, "postal", a["postal"], got.Postal)
		same(t, "country", a["country"], got.Country)
	}
	if tf := object(want["timeframe"]); tf != nil {
		require.NotNil(t, p.Customer.Timeframe)
		same(t, "timeframe", tf["description"], p.Customer.Timeframe.Description)
		same(t, "earliest", tf["earliest"], p.Customer.Timeframe.Earliest.Raw)
		same(t, "latest", tf["latest"], p.Customer.Timeframe.Latest.Raw)
	}
}

func checkDate(t *testing.T, want map[string]any, d Date) {
	t.Helper()
	same(t, "requestdate raw", want["raw"], d.Raw)
	const wall = "2006-01-02T15:04:05"
	var ok []any
	got := ""
	if d.ZoneKnown {
		ok = []any{want["utc"], want["utc_lenient"]}
		got = d.Time.UTC().Format("2006-01-02T15:04:05.999999999Z")
	} else {
		ok = []any{want["local"], want["local_lenient"]}
		if !d.Time.IsZero() {
			got = d.Time.Format(wall)
		}
	}
	match := false
	for _, o := range ok {
		match = match || word(o) == got
	}
	assert.True(t, match, "requestdate: got %s, want one of %v", got, ok)
	if want["precision"] == "date" && !d.Time.IsZero() {
		assert.True(t, d.DateOnly)
	}
}

func checkPhone(t *testing.T, want map[string]any, p Phone) {
	t.Helper()
	same(t, "phone", want["raw"], p.Raw)
	if w := word(want["type"]); w != string(p.Type) && phoneType(w) != p.Type {
		same(t, "phone type", want["type"], p.TypeRaw)
	}
	same(t, "phone time", want["time"], p.Time)
	assert.Equal(t, word(want["preferred"]) == "1", p.Preferred)
}

func checkVehicle(t *testing.T, want map[string]any, v *Vehicle) {
	t.Helper()
	same(t, "interest", want["interest"], string(v.Interest)+v.InterestRaw)
	if v.StatusRaw == "" || v.StatusRaw != want["status"] {
		same(t, "vehicle status", want["status"], string(v.Status))
	}
	year, _ := want["year"].(float64)
	assert.Equal(t, int(year), v.Year)
	same(t, "year raw", want["year_raw"], v.YearRaw)
	same(t, "make", want["make"], v.Make)
	same(t, "model", want["model"], v.Model)
	same(t, "vin", want["vin"], v.VIN+v.VINRaw)
	same(t, "stock", want["stock"], v.Stock)
	same(t, "trim", want["trim"], v.Trim)
	for key, got := range map[string]string{"bodystyle": v.BodyStyle, "transmission": v.Transmission, "comments": v.Comments} {
		if want[key] != nil {
			same(t, key, want[key], got)
		}
	}
	o := object(want["odometer"])
	require.Equal(t, o != nil, v.Odometer != nil, "odometer")
	if o != nil {
		assert.InDelta(t, o["value"], v.Odometer.Value, 0)
		same(t, "units", o["units"], v.Odometer.Units)
	}
	p := object(want["price"])
	require.Equal(t, p != nil, v.Price != nil, "price")
	if p != nil {
		assert.InDelta(t, p["value"], float64(v.Price.Minor)/100, 0)
		same(t, "currency", p["currency"], v.Price.Currency)
		same(t, "price type", p["type"], v.Price.Type)
	}
	for i, c := range list(want["colors"]) {
		same(t, "exterior", object(c)["exterior"], v.Colors[i].Exterior)
		same(t, "interior", object(c)["interior"], v.Colors[i].Interior)
		assert.InDelta(t, object(c)["preference"], v.Colors[i].Preference, 0)
	}
	for i, c := range list(want["options"]) {
		same(t, "option", object(c)["name"], v.Options[i].Name)
		same(t, "code", object(c)["code"], v.Options[i].Code)
	}
}

func same(t *testing.T, what string, want any, got string) {
	t.Helper()
	assert.Equal(t, word(want), got, what)
}

func word(v any) string {
	s, _ := v.(string)
	return s
}

func orWord(v any, fallback string) any {
	if v == nil {
		return fallback
	}
	return v
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func object(v any) map[string]any {
	o, _ := v.(map[string]any)
	return o
}
