package adf

// Codes of warnings. They are stable; the messages are not.
const (
	WarnCharsetMislabelled = "charset.mislabelled"     // the bytes are not in the charset they claim
	WarnCharsetUnknown     = "charset.unknown"         // no such charset; guessed from the bytes
	WarnBareAmpersand      = "xml.bare_ampersand"      // "&" not written as &amp;
	WarnBareLess           = "xml.bare_less_than"      // "<" not written as &lt;
	WarnUnknownEntity      = "xml.unknown_entity"      // kept as written, never expanded
	WarnControlChars       = "xml.control_characters"  // left out
	WarnInlineMarkup       = "xml.inline_markup"       // markup inside a text, kept as text
	WarnUnclosed           = "xml.unclosed_element"    // end tag missing, assumed
	WarnStrayEnd           = "xml.stray_end_tag"       // ignored
	WarnStrayText          = "xml.stray_text"          // words between elements, ignored
	WarnDoctype            = "xml.doctype_ignored"     // a DOCTYPE with own declarations
	WarnWrapped            = "xml.wrapped"             // escaped, in a CDATA section or a comment of something else
	WarnProlog             = "xml.prolog_misplaced"    // XML declaration not at the start or in capitals
	WarnTextCut            = "text.cut"                // longer than the limit
	WarnPlaceholder        = "value.placeholder"       // "N/A" and the like, taken as absent
	WarnDoubleEscaped      = "value.double_escaped"    // escaped twice
	WarnUnknownValue       = "value.not_in_list"       // a code that ADF does not list
	WarnRepeated           = "element.repeated"        // more than ADF allows; the first counts
	WarnMisplaced          = "element.misplaced"       // read although in an unusual place
	WarnAlias              = "element.alias"           // another name for a known element
	WarnUnknownElement     = "element.unknown"         // kept as an extra
	WarnProspectEmpty      = "prospect.empty"          // nobody to contact and nothing asked
	WarnNoContact          = "customer.no_contact"     // neither e-mail nor telephone
	WarnNoName             = "customer.no_name"        // nameless
	WarnEmailInvalid       = "email.invalid"           // no address
	WarnEmailTidied        = "email.tidied"            // taken out of surrounding text
	WarnVIN                = "vehicle.vin_malformed"   // kept raw
	WarnVINTidied          = "vehicle.vin_tidied"      // blanks or hyphens left out
	WarnYear               = "vehicle.year_unreadable" // kept raw
	WarnVehicleEmpty       = "vehicle.empty"           // dropped
	WarnNumber             = "number.unreadable"       // kept raw
	WarnNumberGuessed      = "number.guessed"          // a dot or comma taken as thousands separator, "k" as 1000
	WarnDateUnreadable     = "date.unreadable"         // kept raw
	WarnDateAmbiguous      = "date.ambiguous"          // day and month could be swapped
	WarnDateGuessed        = "date.guessed"            // read although malformed
	WarnDateFuture         = "date.in_the_future"      // later than the receipt
	WarnCurrencyGuessed    = "price.currency_guessed"  // from a sign in the text
	WarnCut                = "warnings.cut"            // there were more warnings
)
