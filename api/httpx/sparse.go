package httpx

import "bytes"

// keepFields writes the members of a JSON object that are in keep; json is our own encoder's, and thus well formed.
func keepFields(out *bytes.Buffer, json []byte, keep map[string]struct{}) {
	if len(json) == 0 || json[0] != '{' {
		out.Write(json)
		return
	}
	out.WriteByte('{')
	first := true
	for i := 1; i < len(json) && json[i] != '}'; {
		start := i
		end := skip(json, i)
		name := json[start+1 : end-1]
		i = skip(json, end+1) // past the colon and the value
		if _, ok := keep[string(name)]; ok {
			if !first {
				out.WriteByte(',')
			}
			first = false
			out.Write(json[start:i])
		}
		if i < len(json) && json[i] == ',' {
			i++
		}
	}
	out.WriteByte('}')
}

// keepFieldsOfEach does so for each element of a JSON array.
func keepFieldsOfEach(out *bytes.Buffer, json []byte, keep map[string]struct{}) {
	out.WriteByte('[')
	for i := 1; i < len(json) && json[i] != ']'; {
		end := skip(json, i)
		keepFields(out, json[i:end], keep)
		i = end
		if i < len(json) && json[i] == ',' {
			out.WriteByte(',')
			i++
		}
	}
	out.WriteByte(']')
}

// skip returns the end of the value that begins at i. There is no white space in what our encoder writes.
func skip(json []byte, i int) int {
	depth := 0
	for ; i < len(json); i++ {
		switch json[i] {
		case '"':
			i = stringEnd(json, i) - 1
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ':':
			if depth == 0 {
				return i
			}
		}
	}
	return i
}

func stringEnd(json []byte, i int) int {
	for i++; i < len(json); i++ {
		switch json[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return i
}
