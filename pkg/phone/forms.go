package phone

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// NationalDigits gives the digits people in the number's own country dial: "0612345678" for "+33612345678",
// "2125550142" for "+12125550142", "0612345678" for the Roman "+390612345678". It is empty when e164 is not E.164.
func NationalDigits(e164 string) (digits string) {
	defer func() { // as in lookup: the formats are the library's
		if recover() != nil {
			digits = ""
		}
	}()
	if !strings.HasPrefix(e164, "+") {
		return ""
	}
	n, err := phonenumbers.Parse(e164, "")
	if err != nil {
		return ""
	}
	return onlyDigits(phonenumbers.Format(n, phonenumbers.NATIONAL))
}

// SearchDigits gives the strings of digits under which a number should be found by any piece of it: the international
// form without plus, and the national one unless it is a piece of the first. None when e164 is not E.164.
func SearchDigits(e164 string) []string {
	national := NationalDigits(e164)
	if national == "" {
		return nil
	}
	international := onlyDigits(e164)
	if strings.Contains(international, national) {
		return []string{international}
	}
	return []string{international, national}
}
