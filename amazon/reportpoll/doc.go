// Package reportpoll asks Amazon for reports on a schedule, waits for them,
// downloads them and hands them to whoever wants them. It knows no business.
package reportpoll
