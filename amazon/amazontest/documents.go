package amazontest

import (
	"bytes"
	"compress/gzip"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	presignedPath = "/presigned/" // followed by the merchant ID, a slash, the document ID
	presignedLife = 5 * time.Minute
	presignedTime = "20060102T150405Z"

	// documentLife is how long an uploaded document can be named in createFeed.
	documentLife = 48 * time.Hour
)

func (s *Server) createFeedDocument(r *request, a *account) answer {
	var ask struct {
		ContentType string `json:"contentType"`
	}
	if refused, ok := r.json(&ask); !ok {
		return refused
	}
	if _, _, err := mime.ParseMediaType(ask.ContentType); err != nil {
		return invalid("contentType %q: %v", ask.ContentType, err)
	}
	id := a.documentID()
	a.Documents[id] = &document{ContentType: ask.ContentType, CreatedAt: r.now, Upload: true}
	return jsonAnswer(201, map[string]string{"feedDocumentId": id, "url": r.presign("PUT", a, id, url.Values{})})
}

// getDocument is getFeedDocument and getReportDocument.
func (s *Server) getDocument(r *request, a *account) answer {
	d := a.Documents[r.id]
	if d == nil || d.Body == nil {
		return apiError(404, "NotFound", "document "+r.id+" does not exist", "")
	}
	found := map[string]string{}
	extra := url.Values{}
	if s.config.Gzip || d.Gzip {
		found["compressionAlgorithm"] = "GZIP"
		if r.URL.Query().Get("enableContentEncodingUrlHeader") == "true" {
			extra.Set("response-content-encoding", "gzip")
		}
	}
	name := "feedDocumentId"
	if r.op.name == "getReportDocument" {
		name = "reportDocumentId"
	}
	found[name] = r.id
	found["url"] = r.presign("GET", a, r.id, extra)
	return jsonAnswer(200, found)
}

// upload stores a document at its presigned address. Repeating it overwrites.
func (s *Server) upload(r *request) answer {
	d, refused, ok := s.presigned(r)
	if !ok {
		return refused
	}
	if r.ContentLength < 0 {
		return storageError(501, "NotImplemented", "Transfer-Encoding chunked: send a Content-Length", "")
	}
	// The content type is part of what was signed, letter by letter.
	if got := r.Header.Values("Content-Type"); len(got) != 1 || got[0] != d.ContentType {
		return signatureMismatch()
	}
	d.Body = append([]byte{}, r.body...)
	return answer{status: 200, header: http.Header{"Etag": {`"` + fingerprint(d.Body)[:32] + `"`}}}
}

func (s *Server) download(r *request) answer {
	d, refused, ok := s.presigned(r)
	if !ok {
		return refused
	}
	header := http.Header{"Content-Type": nil} // keeps net/http from guessing one
	if d.ContentType != "" {
		header.Set("Content-Type", d.ContentType)
	}
	if encoding := r.URL.Query().Get("response-content-encoding"); encoding != "" {
		header.Set("Content-Encoding", encoding)
	}
	if !s.config.Gzip && !d.Gzip {
		return answer{200, header, d.Body}
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(d.Body) // a bytes.Buffer takes everything
	_ = z.Close()
	return answer{200, header, packed.Bytes()}
}

// presign makes the address of a document. The address alone is the right to
// use it.
func (r *request) presign(method string, a *account, id string, q url.Values) string {
	path := presignedPath + a.Merchant + "/" + id
	q.Set("X-Amz-Algorithm", "AWS4-HMAC-SHA256")
	q.Set("X-Amz-Date", r.now.Format(presignedTime))
	q.Set("X-Amz-Expires", "300")
	q.Set("X-Amz-Signature", sign(method, path, q))
	return r.base + path + "?" + q.Encode()
}

// presigned finds the document of a presigned address, if the request may.
func (s *Server) presigned(r *request) (d *document, refused answer, ok bool) {
	q := r.URL.Query()
	signature := q.Get("X-Amz-Signature")
	q.Del("X-Amz-Signature")
	merchant, id, _ := strings.Cut(r.id, "/")
	a := s.books.Sellers[merchant]
	switch {
	case r.Header.Get("Authorization") != "":
		return nil, storageError(400, "InvalidArgument", "Only one auth mechanism allowed", ""), false
	case r.Header.Get("x-amz-access-token") != "":
		return nil, storageError(403, "AccessDenied", "There were headers present in the request which were not signed", ""), false
	case a == nil || a.Documents[id] == nil || signature != sign(r.Method, r.URL.Path, q):
		return nil, signatureMismatch(), false
	}
	from, err := time.Parse(presignedTime, q.Get("X-Amz-Date"))
	if err != nil || !r.now.Before(from.Add(presignedLife)) {
		return nil, storageError(403, "AccessDenied", "Request has expired", ""), false
	}
	return a.Documents[id], answer{}, true
}

func signatureMismatch() answer {
	return storageError(403, "SignatureDoesNotMatch",
		"The request signature we calculated does not match the signature you provided. Check your key and signing method.", "")
}

// sign needs no secret: it only has to change with what is signed.
func sign(method, path string, q url.Values) string {
	mac := hmac.New(sha256.New, []byte("amazontest"))
	mac.Write([]byte(method + "\n" + path + "\n" + q.Encode()))
	return hex.EncodeToString(mac.Sum(nil))
}

func fingerprint(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
