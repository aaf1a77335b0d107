// Package objectstore runs an S3 server inside the process that keeps objects as
// files below one directory. It is versitygw over its POSIX back end, for one
// person on one machine: loopback only, one account.
//
// What that back end does shapes this package:
//
//   - It opens files relative to the working directory, which [Start] therefore
//     changes, for the whole process, until [Server.Stop]. Whatever else the
//     process does meanwhile has to use absolute paths.
//   - It keeps state in package variables, so a process can run one store at a time.
//   - It keeps ETags and the like in extended attributes, which become visible in
//     one step with the object's bytes. On a file system without them it falls
//     back to sidecar files, which do not: killed in the middle of a put, the
//     store can be left with an ETag that has no object, and a put of that key if
//     absent then fails for ever.
//   - It takes an unsigned body that is cut short for a whole one, so lengths are
//     checked here.
//   - It notes the size of each part of a multipart object in one extended
//     attribute. ext4 has 4 KiB for all attributes of a file, about 700 parts, so
//     a longer note is dropped here. Only reads by part number would need it.
//   - A key is a path: "a" and "a/b" cannot both exist, "a//b" is "a/b", no part of
//     a key between slashes can exceed 255 bytes, and a key that ends in a slash
//     holds no bytes.
//
// A put becomes visible in one step, and of several puts with If-None-Match: *
// to a key exactly one wins; the same holds for completing a multipart upload.
// Data is not synced: killing the process loses nothing, a power cut can.
package objectstore
