package spapi

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/takebackhq/takeback/amazon"
)

// maxDocument bounds a document after unpacking, so that a small download cannot
// fill a host.
const maxDocument = 1 << 30

// put uploads a document. The content type is part of the URL's signature: it
// must be the very string that createFeedDocument was given. S3 gets no access
// token.
func (c *Client) put(ctx context.Context, a amazon.Account, address, contentType string, doc []byte) error {
	req, err := retryablehttp.NewRequestWithContext(ctx, upload.method, address, doc)
	if err != nil {
		return notSent(upload, a, quiet(err))
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := c.do(a, upload, req)
	if err != nil {
		return err
	}
	_, err = c.read(a, upload, resp)
	return err
}

// open downloads a document, unpacked, with the content type that the download
// declares. The address that r answers lives for five minutes and is used at
// once; if it is too old even so, another is asked for, once.
func (c *Client) open(ctx context.Context, a amazon.Account, r request) (io.ReadCloser, string, error) {
	resp, err := c.download(ctx, a, r)
	if addressExpired(err) {
		resp, err = c.download(ctx, a, r)
	}
	if err != nil {
		return nil, "", err
	}
	unpacked := io.Reader(resp.Body)
	if !resp.Uncompressed {
		if unpacked, err = gunzip(resp.Body); err != nil {
			resp.Body.Close()
			return nil, "", incomplete(download, a, quiet(err))
		}
	}
	doc := &document{r: unpacked, most: c.maxDocument, body: resp.Body, account: a}
	return doc, resp.Header.Get("Content-Type"), nil
}

// download asks for the address of a document and begins to read what is there.
func (c *Client) download(ctx context.Context, a amazon.Account, r request) (*http.Response, error) {
	var place struct {
		URL string `json:"url"`
	}
	if _, err := c.call(ctx, a, r, &place); err != nil {
		return nil, err
	}
	if place.URL == "" {
		return nil, incomplete(r.op, a, errors.New("document without a url"))
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, download.method, place.URL, nil)
	if err != nil {
		return nil, notSent(download, a, quiet(err))
	}
	resp, err := c.do(a, download, req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		_, err := c.read(a, download, resp)
		return nil, err
	}
	return resp, nil
}

// addressExpired recognises the refusal of a presigned address for its age. S3
// says AccessDenied with "Request has expired", or ExpiredToken when what signed
// the address expired first; CloudFront says AccessDenied and no more. A wrong
// signature has another code.
func addressExpired(err error) bool {
	var e *amazon.Error
	return errors.As(err, &e) && (e.Op == upload.name || e.Op == download.name) &&
		(e.Code == "AccessDenied" || e.Code == "ExpiredToken")
}

// gunzip unpacks what begins like gzip. The bytes decide, not what Amazon says
// of them: compressionAlgorithm, Content-Encoding and content are known to
// disagree, and no report begins with these two bytes.
func gunzip(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(r)
	// An error of Peek is met again when reading.
	if head, _ := b.Peek(2); !bytes.Equal(head, []byte{0x1f, 0x8b}) {
		return b, nil
	}
	return gzip.NewReader(b)
}

// document reads an open download.
type document struct {
	r          io.Reader
	read, most int64 // bytes, unpacked
	body       io.Closer
	account    amazon.Account
}

// Read implements [io.Reader]. Its errors are [*amazon.Error].
func (d *document) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	if d.read += int64(n); d.read > d.most {
		return 0, incomplete(download, d.account, fmt.Errorf("document of more than %d bytes", d.most))
	}
	if err != nil && err != io.EOF {
		err = incomplete(download, d.account, quiet(err))
	}
	return n, err
}

func (d *document) Close() error { return d.body.Close() }
