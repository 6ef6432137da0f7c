#ifndef COAUTH_SRC_VALUES_ABORTABLE_HPP
#define COAUTH_SRC_VALUES_ABORTABLE_HPP

#include <coauth/error.hpp>

namespace coauth::detail
{

// A running operation that may be ended early.
class abortable
{
public:
    // Ends it with this error. Safe from any thread; called without a lock.
    virtual void abort(errc reason) noexcept = 0;

    abortable(abortable const&) = delete;
    abortable& operator=(abortable const&) = delete;

protected:
    abortable() = default;
    ~abortable() = default;
};

} // namespace coauth::detail

#endif
