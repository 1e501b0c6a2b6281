package holidays

import (
	"time"

	"github.com/rooftop-crm/rooftop/internal/platform/worktime"
)

// names are what holidays are called in English and French, unless a rule says otherwise.
var names = map[string][2]string{
	"new_year":             {"New Year's Day", "Jour de l'An"},
	"second_january":       {"2 January", "2 janvier"},
	"epiphany":             {"Epiphany", "Épiphanie"},
	"saint_joseph":         {"Saint Joseph's Day", "Saint-Joseph"},
	"womens_day":           {"International Women's Day", "Journée internationale des droits des femmes"},
	"maundy_thursday":      {"Maundy Thursday", "Jeudi saint"},
	"good_friday":          {"Good Friday", "Vendredi saint"},
	"easter_sunday":        {"Easter Sunday", "Pâques"},
	"easter_monday":        {"Easter Monday", "Lundi de Pâques"},
	"labour_day":           {"Labour Day", "Fête du Travail"},
	"victory_day":          {"Victory Day 1945", "Victoire 1945"},
	"ascension":            {"Ascension Day", "Ascension"},
	"whit_sunday":          {"Whit Sunday", "Pentecôte"},
	"whit_monday":          {"Whit Monday", "Lundi de Pentecôte"},
	"corpus_christi":       {"Corpus Christi", "Fête-Dieu"},
	"national_day":         {"National Day", "Fête nationale"},
	"assumption":           {"Assumption Day", "Assomption"},
	"all_saints":           {"All Saints' Day", "Toussaint"},
	"armistice":            {"Armistice Day 1918", "Armistice 1918"},
	"immaculate":           {"Immaculate Conception", "Immaculée Conception"},
	"christmas":            {"Christmas Day", "Noël"},
	"second_christmas":     {"Second Day of Christmas", "Lendemain de Noël"},
	"abolition_of_slavery": {"Abolition of Slavery", "Abolition de l'esclavage"},
	"childrens_day":        {"World Children's Day", "Journée mondiale de l'enfance"},
	"reformation_day":      {"Reformation Day", "Fête de la Réformation"},
	"repentance_day":       {"Day of Repentance and Prayer", "Jour de pénitence et de prière"},
	"regional_day":         {"Regional Day", "Fête régionale"},
	"saint_john":           {"Saint John's Day", "Saint-Jean"},
	"saint_patrick":        {"Saint Patrick's Day", "Saint-Patrick"},
	"liberation_day":       {"Liberation Day", "Fête de la Libération"},
}

func fr() country {
	const moselle = "57 67 68 6AE"
	return country{rules: []rule{
		{code: "new_year", on: fixed(1, 1)},
		{code: "good_friday", on: easter(-2), only: moselle},
		{code: "easter_monday", on: easter(1)},
		{code: "labour_day", on: fixed(5, 1)},
		{code: "victory_day", on: fixed(5, 8)},
		{code: "ascension", on: easter(39)},
		{code: "whit_monday", on: easter(50)},
		{code: "national_day", on: fixed(7, 14)},
		{code: "assumption", on: fixed(8, 15)},
		{code: "all_saints", on: fixed(11, 1)},
		{code: "armistice", on: fixed(11, 11)},
		{code: "christmas", on: fixed(12, 25)},
		{code: "second_christmas", on: fixed(12, 26), only: moselle, en: "Saint Stephen's Day", fr: "Saint-Étienne"},
		{code: "abolition_of_slavery", on: fixed(4, 27), only: "976"},
		{code: "abolition_of_slavery", on: fixed(5, 22), only: "972"},
		{code: "abolition_of_slavery", on: fixed(5, 27), only: "971"},
		{code: "abolition_of_slavery", on: fixed(5, 28), only: "MF"},
		{code: "abolition_of_slavery", on: fixed(6, 10), only: "973"},
		{code: "abolition_of_slavery", on: fixed(10, 9), only: "BL"},
		{code: "abolition_of_slavery", on: fixed(12, 20), only: "974"},
	}}
}

func de() country {
	return country{rules: []rule{
		{code: "new_year", on: fixed(1, 1)},
		{code: "epiphany", on: fixed(1, 6), only: "BW BY ST"},
		{code: "womens_day", on: fixed(3, 8), only: "BE", from: 2019},
		{code: "womens_day", on: fixed(3, 8), only: "MV", from: 2023},
		{code: "good_friday", on: easter(-2)},
		{code: "easter_sunday", on: easter(0), only: "BB"},
		{code: "easter_monday", on: easter(1)},
		{code: "labour_day", on: fixed(5, 1)},
		{code: "ascension", on: easter(39)},
		{code: "whit_sunday", on: easter(49), only: "BB"},
		{code: "whit_monday", on: easter(50)},
		{code: "corpus_christi", on: easter(60), only: "BW BY HE NW RP SL"},
		{code: "assumption", on: fixed(8, 15), only: "SL"},
		{code: "childrens_day", on: fixed(9, 20), only: "TH", from: 2019},
		{code: "national_day", on: fixed(10, 3), en: "German Unity Day", fr: "Jour de l'Unité allemande"},
		{code: "reformation_day", on: fixed(10, 31), only: "BB MV SN ST TH"},
		{code: "reformation_day", on: fixed(10, 31), only: "HB HH NI SH", from: 2018},
		{code: "all_saints", on: fixed(11, 1), only: "BW BY NW RP SL"},
		{code: "repentance_day", on: last(time.Wednesday, 11, 22), only: "SN"},
		{code: "christmas", on: fixed(12, 25)},
		{code: "second_christmas", on: fixed(12, 26)},
	}}
}

func be() country {
	return country{rules: []rule{
		{code: "new_year", on: fixed(1, 1)},
		{code: "easter_monday", on: easter(1)},
		{code: "labour_day", on: fixed(5, 1)},
		{code: "ascension", on: easter(39)},
		{code: "whit_monday", on: easter(50)},
		{code: "national_day", on: fixed(7, 21)},
		{code: "assumption", on: fixed(8, 15)},
		{code: "all_saints", on: fixed(11, 1)},
		{code: "armistice", on: fixed(11, 11)},
		{code: "christmas", on: fixed(12, 25)},
	}}
}

func lu() country {
	return country{rules: []rule{
		{code: "new_year", on: fixed(1, 1)},
		{code: "easter_monday", on: easter(1)},
		{code: "labour_day", on: fixed(5, 1)},
		{code: "europe_day", on: fixed(5, 9), from: 2019, en: "Europe Day", fr: "Journée de l'Europe"},
		{code: "ascension", on: easter(39)},
		{code: "whit_monday", on: easter(50)},
		{code: "national_day", on: fixed(6, 23)},
		{code: "assumption", on: fixed(8, 15)},
		{code: "all_saints", on: fixed(11, 1)},
		{code: "christmas", on: fixed(12, 25)},
		{code: "second_christmas", on: fixed(12, 26)},
	}}
}

func at() country {
	return country{rules: []rule{
		{code: "new_year", on: fixed(1, 1)},
		{code: "epiphany", on: fixed(1, 6)},
		{code: "easter_monday", on: easter(1)},
		{code: "labour_day", on: fixed(5, 1)},
		{code: "ascension", on: easter(39)},
		{code: "whit_monday", on: easter(50)},
		{code: "corpus_christi", on: easter(60)},
		{code: "assumption", on: fixed(8, 15)},
		{code: "national_day", on: fixed(10, 26)},
		{code: "all_saints", on: fixed(11, 1)},
		{code: "immaculate", on: fixed(12, 8)},
		{code: "christmas", on: fixed(12, 25)},
		{code: "second_christmas", on: fixed(12, 26)},
	}}
}

// ch has the days that a canton treats as Sundays, or that are kept as holidays in all of it.
func ch() country {
	return country{rules: []rule{
		{code: "new_year", on: fixed(1, 1)},
		{code: "second_january", on: fixed(1, 2), only: "AG BE FR GL JU LU NE OW SH SO TG VD ZG ZH", en: "Berchtold's Day", fr: "Saint-Berchtold"},
		{code: "epiphany", on: fixed(1, 6), only: "SZ TI UR"},
		{code: "republic_day", on: fixed(3, 1), only: "NE", en: "Republic Day", fr: "Instauration de la République"},
		{code: "saint_joseph", on: fixed(3, 19), only: "NW SZ TI UR VS"},
		{code: "good_friday", on: easter(-2), not: "TI VS"},
		{code: "easter_monday", on: easter(1), not: "VS"},
		{code: "naefels_procession", on: naefels, only: "GL", en: "Näfels Procession", fr: "Procession de Näfels"},
		{code: "labour_day", on: fixed(5, 1), only: "BL BS JU NE SH TG TI ZH"},
		{code: "ascension", on: easter(39)},
		{code: "whit_monday", on: easter(50), not: "VS"},
		{code: "corpus_christi", on: easter(60), only: "AI FR JU LU NW OW SZ TI UR VS ZG"},
		{code: "independence_day", on: fixed(6, 23), only: "JU", en: "Independence of Jura", fr: "Commémoration du plébiscite jurassien"},
		{code: "saints_peter_paul", on: fixed(6, 29), only: "TI", en: "Saints Peter and Paul", fr: "Saints Pierre et Paul"},
		{code: "national_day", on: fixed(8, 1)},
		{code: "assumption", on: fixed(8, 15), only: "AI FR JU LU NW OW SZ TI UR VS ZG"},
		{code: "geneva_fast", on: nth(1, time.Sunday, 9, 4), only: "GE", en: "Genevan Fast", fr: "Jeûne genevois"},
		{code: "federal_fast_monday", on: nth(3, time.Sunday, 9, 1), only: "VD", en: "Monday of the Federal Fast", fr: "Lundi du Jeûne fédéral"},
		{code: "brother_klaus", on: fixed(9, 25), only: "OW", en: "Brother Klaus", fr: "Saint Nicolas de Flüe"},
		{code: "all_saints", on: fixed(11, 1), only: "AI FR GL JU LU NW OW SG SZ TI UR VS ZG"},
		{code: "immaculate", on: fixed(12, 8), only: "AI FR LU NW OW SZ TI UR VS ZG"},
		{code: "christmas", on: fixed(12, 25)},
		{code: "second_christmas", on: fixed(12, 26), not: "GE JU NE SO VD VS FR", en: "Saint Stephen's Day", fr: "Saint-Étienne"},
		{code: "restoration", on: fixed(12, 31), only: "GE", en: "Restoration of the Republic", fr: "Restauration de la République"},
	}, plain: "AR GR"}
}

// naefels is the first Thursday of April, or the second when the first is Maundy Thursday.
func naefels(year int) (worktime.Date, bool) {
	d, _ := nth(1, time.Thursday, 4, 0)(year)
	if d == Easter(year)-3 {
		d += 7
	}
	return d, true
}

func es() country {
	return country{rules: []rule{
		{code: "new_year", on: fixed(1, 1)},
		{code: "epiphany", on: fixed(1, 6)},
		{code: "maundy_thursday", on: easter(-3), not: "CT VC"},
		{code: "good_friday", on: easter(-2)},
		{code: "easter_monday", on: easter(1), only: "CT IB NC PV RI VC"},
		{code: "labour_day", on: fixed(5, 1)},
		{code: "saint_john", on: fixed(6, 24), only: "CT"},
		{code: "assumption", on: fixed(8, 15)},
		{code: "national_day", on: fixed(10, 12)},
		{code: "all_saints", on: fixed(11, 1)},
		{code: "constitution_day", on: fixed(12, 6), en: "Constitution Day", fr: "Jour de la Constitution"},
		{code: "immaculate", on: fixed(12, 8)},
		{code: "christmas", on: fixed(12, 25)},
		{code: "second_christmas", on: fixed(12, 26), only: "CT"},
		{code: "regional_day", on: fixed(2, 28), only: "AN"},
		{code: "regional_day", on: fixed(3, 1), only: "IB"},
		{code: "regional_day", on: fixed(4, 23), only: "AR CL"},
		{code: "regional_day", on: fixed(5, 2), only: "MD"},
		{code: "regional_day", on: fixed(5, 30), only: "CN"},
		{code: "regional_day", on: fixed(5, 31), only: "CM"},
		{code: "regional_day", on: fixed(6, 9), only: "MC RI"},
		{code: "regional_day", on: fixed(7, 25), only: "GA"},
		{code: "regional_day", on: fixed(7, 28), only: "CB"},
		{code: "regional_day", on: fixed(9, 2), only: "CE"},
		{code: "bien_aparecida", on: fixed(9, 15), only: "CB", en: "Our Lady Bien Aparecida", fr: "Notre-Dame Bien Aparecida"},
		{code: "regional_day", on: fixed(9, 8), only: "AS EX"},
		{code: "regional_day", on: fixed(9, 11), only: "CT"},
		{code: "regional_day", on: fixed(10, 9), only: "VC"},
	}, plain: "ML"}
}

func it() country {
	return country{rules: []rule{
		{code: "new_year", on: fixed(1, 1)},
		{code: "epiphany", on: fixed(1, 6)},
		{code: "easter_monday", on: easter(1)},
		{code: "liberation_day", on: fixed(4, 25)},
		{code: "labour_day", on: fixed(5, 1)},
		{code: "whit_monday", on: easter(50), only: "BZ"},
		{code: "republic_day", on: fixed(6, 2), en: "Republic Day", fr: "Fête de la République"},
		{code: "assumption", on: fixed(8, 15)},
		{code: "saint_francis", on: fixed(10, 4), from: 2026, en: "Saint Francis of Assisi", fr: "Saint François d'Assise"},
		{code: "all_saints", on: fixed(11, 1)},
		{code: "immaculate", on: fixed(12, 8)},
		{code: "christmas", on: fixed(12, 25)},
		{code: "second_christmas", on: fixed(12, 26), en: "Saint Stephen's Day", fr: "Saint-Étienne"},
	}}
}

func gb() country {
	return country{usual: "GB-ENG", weekend: nextWorkingDay, rules: []rule{
		{code: "new_year", on: fixed(1, 1), moves: true},
		{code: "second_january", on: fixed(1, 2), only: "SCT", moves: true},
		{code: "saint_patrick", on: fixed(3, 17), only: "NIR", moves: true},
		{code: "good_friday", on: easter(-2)},
		{code: "easter_monday", on: easter(1), only: "ENG NIR WLS"},
		{code: "early_may", on: nth(1, time.Monday, 5, 0), en: "Early May Bank Holiday", fr: "Jour férié de début mai"},
		{code: "spring", on: last(time.Monday, 5, 31), en: "Spring Bank Holiday", fr: "Jour férié de printemps"},
		{code: "battle_of_the_boyne", on: fixed(7, 12), only: "NIR", moves: true, en: "Battle of the Boyne", fr: "Bataille de la Boyne"},
		{code: "summer", on: nth(1, time.Monday, 8, 0), only: "SCT", en: "Summer Bank Holiday", fr: "Jour férié d'été"},
		{code: "summer", on: last(time.Monday, 8, 31), only: "ENG NIR WLS", en: "Summer Bank Holiday", fr: "Jour férié d'été"},
		{code: "saint_andrew", on: fixed(11, 30), only: "SCT", moves: true, en: "Saint Andrew's Day", fr: "Saint-André"},
		{code: "christmas", on: fixed(12, 25), moves: true},
		{code: "second_christmas", on: fixed(12, 26), moves: true, en: "Boxing Day", fr: "Lendemain de Noël"},
	}}
}

func ie() country {
	return country{rules: []rule{
		{code: "new_year", on: fixed(1, 1)},
		{code: "saint_brigid", on: saintBrigid, from: 2023, en: "Saint Brigid's Day", fr: "Sainte-Brigitte"},
		{code: "saint_patrick", on: fixed(3, 17)},
		{code: "easter_monday", on: easter(1)},
		{code: "may_holiday", on: nth(1, time.Monday, 5, 0), en: "May Day", fr: "Jour férié de mai"},
		{code: "june_holiday", on: nth(1, time.Monday, 6, 0), en: "June Holiday", fr: "Jour férié de juin"},
		{code: "august_holiday", on: nth(1, time.Monday, 8, 0), en: "August Holiday", fr: "Jour férié d'août"},
		{code: "october_holiday", on: last(time.Monday, 10, 31), en: "October Holiday", fr: "Jour férié d'octobre"},
		{code: "christmas", on: fixed(12, 25)},
		{code: "second_christmas", on: fixed(12, 26), en: "Saint Stephen's Day", fr: "Saint-Étienne"},
	}}
}

// saintBrigid is the first Monday of February, or the first of February when that is a Friday.
func saintBrigid(year int) (worktime.Date, bool) {
	if d := worktime.NewDate(year, 2, 1); d.Weekday() == time.Friday {
		return d, true
	}
	return nth(1, time.Monday, 2, 0)(year)
}

func nl() country {
	return country{rules: []rule{
		{code: "new_year", on: fixed(1, 1)},
		{code: "easter_monday", on: easter(1)},
		{code: "kings_day", on: kingsDay, from: 2014, en: "King's Day", fr: "Fête du Roi"},
		{code: "liberation_day", on: everyFifth(5, 5)},
		{code: "ascension", on: easter(39)},
		{code: "whit_monday", on: easter(50)},
		{code: "christmas", on: fixed(12, 25)},
		{code: "second_christmas", on: fixed(12, 26)},
	}}
}

// kingsDay is 27 April, or the day before when that is a Sunday.
func kingsDay(year int) (worktime.Date, bool) {
	d := worktime.NewDate(year, 4, 27)
	if d.Weekday() == time.Sunday {
		d--
	}
	return d, true
}

// everyFifth is a day that is free in years that five divides.
func everyFifth(month time.Month, day int) when {
	return func(year int) (worktime.Date, bool) { return worktime.NewDate(year, month, day), year%5 == 0 }
}

func pt() country {
	return country{rules: []rule{
		{code: "new_year", on: fixed(1, 1)},
		{code: "good_friday", on: easter(-2)},
		{code: "freedom_day", on: fixed(4, 25), en: "Freedom Day", fr: "Fête de la Liberté"},
		{code: "labour_day", on: fixed(5, 1)},
		{code: "corpus_christi", on: easter(60)},
		{code: "national_day", on: fixed(6, 10), en: "Portugal Day", fr: "Jour du Portugal"},
		{code: "assumption", on: fixed(8, 15)},
		{code: "republic_day", on: fixed(10, 5), en: "Republic Day", fr: "Fête de la République"},
		{code: "all_saints", on: fixed(11, 1)},
		{code: "independence_day", on: fixed(12, 1), en: "Restoration of Independence", fr: "Restauration de l'indépendance"},
		{code: "immaculate", on: fixed(12, 8)},
		{code: "christmas", on: fixed(12, 25)},
	}}
}

func us() country {
	return country{weekend: nearestWorkingDay, rules: []rule{
		{code: "new_year", on: fixed(1, 1), moves: true},
		{code: "martin_luther_king", on: nth(3, time.Monday, 1, 0), en: "Martin Luther King Jr. Day", fr: "Journée Martin Luther King"},
		{code: "presidents_day", on: nth(3, time.Monday, 2, 0), en: "Presidents' Day", fr: "Jour des présidents"},
		{code: "memorial_day", on: last(time.Monday, 5, 31), en: "Memorial Day", fr: "Jour du souvenir"},
		{code: "juneteenth", on: fixed(6, 19), from: 2021, moves: true, en: "Juneteenth", fr: "Juneteenth"},
		{code: "independence_day", on: fixed(7, 4), moves: true, en: "Independence Day", fr: "Jour de l'Indépendance"},
		{code: "labour_day", on: nth(1, time.Monday, 9, 0), en: "Labor Day", fr: "Fête du Travail"},
		{code: "columbus_day", on: nth(2, time.Monday, 10, 0), en: "Columbus Day", fr: "Jour de Christophe Colomb"},
		{code: "veterans_day", on: fixed(11, 11), moves: true, en: "Veterans Day", fr: "Jour des anciens combattants"},
		{code: "thanksgiving", on: nth(4, time.Thursday, 11, 0), en: "Thanksgiving Day", fr: "Thanksgiving"},
		{code: "christmas", on: fixed(12, 25), moves: true},
	}}
}

// countries are the tables by ISO 3166-1.
var countries = map[string]country{
	"AT": at(), "BE": be(), "CH": ch(), "DE": de(), "ES": es(), "FR": fr(), "GB": gb(), "IE": ie(), "IT": it(), "LU": lu(),
	"NL": nl(), "PT": pt(), "US": us(),
}
