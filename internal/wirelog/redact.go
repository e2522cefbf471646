package wirelog

import "regexp"

// redacted stands for a secret. That there was one is kept: whether a request
// carries a token is what a check may ask.
const redacted = "REDACTED"

// secretHeaders are secret as a whole.
var secretHeaders = map[string]bool{"Authorization": true, "X-Amz-Access-Token": true}

// secrets are found by the names that Login with Amazon, the Tokens API and
// presigned addresses give them, wherever they stand. Each begins with what is
// kept. In JSON an ampersand may be written \u0026, which ends a parameter too.
var secrets = []*regexp.Regexp{
	regexp.MustCompile(`("(?:access_token|refresh_token|client_secret|restrictedDataToken)"\s*:\s*")(?:[^"\\]|\\.)*`),
	regexp.MustCompile(`((?:^|[?&])(?:access_token|refresh_token|client_secret)=)[^&]*`),
	regexp.MustCompile(`(?i)(X-Amz-(?:Signature|Security-Token|Credential)=)[^&"\\\s]*`),
}

// redact returns the exchange without its secrets.
func (e Exchange) redact() Exchange {
	e.Target = string(redactText([]byte(e.Target)))
	e.Header = redactHeader(e.Header)
	e.Body = redactText(e.Body)
	if e.Answer != nil {
		e.Answer = &Answer{e.Answer.Status, redactHeader(e.Answer.Header), redactText(e.Answer.Body)}
	}
	return e
}

func redactHeader(header map[string][]string) map[string][]string {
	if header == nil {
		return nil
	}
	clean := map[string][]string{}
	for name, values := range header {
		for _, value := range values {
			if secretHeaders[name] {
				value = redacted
			}
			clean[name] = append(clean[name], string(redactText([]byte(value))))
		}
	}
	return clean
}

func redactText(text []byte) []byte {
	for _, secret := range secrets {
		text = secret.ReplaceAll(text, []byte("${1}"+redacted))
	}
	return text
}
