// Only for the definitions in its config/crd/bases, which source-controller's api module lacks:
// nothing here is built, so `go mod tidy` would leave an empty list.
module countersign.test/e2e/flux/source-definitions

go 1.26.0

require github.com/fluxcd/source-controller v1.9.0
