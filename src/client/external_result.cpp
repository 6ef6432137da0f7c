#include "client/external_result.hpp"

#include "client/call_signer.hpp"

#include <utility>

namespace coauth::detail
{

void pending_results::context_gone() noexcept
{
    for (;;)
    {
        // Destroyed without the lock: it may own the operation that waits, and more.
        external_result::handler_type handler;
        std::list<external_result*> node;
        std::lock_guard const lock(mutex_);
        context_is_gone_ = true;
        if (waiting_.empty())
            return;
        handler = std::move(waiting_.front()->handler_);
        node.splice(node.begin(), waiting_, waiting_.begin());
    }
}

external_result::external_result(std::shared_ptr<pending_results> pending)
    : pending_(std::move(pending))
    , node_{this}
{
}

external_result::~external_result()
{
    std::lock_guard const lock(pending_->mutex_);
    if (handler_)
        pending_->waiting_.remove(this);
}

void external_result::set_handler(handler_type handler)
{
    std::lock_guard const lock(pending_->mutex_);
    if (pending_->context_is_gone_)
        return;
    handler_ = std::move(handler);
    pending_->waiting_.splice(pending_->waiting_.end(), node_);
}

void external_result::call_signer(signer_function const& sign, std::string input)
{
    {
        std::lock_guard const lock(pending_->mutex_);
        if (!handler_)
            return;
    }
    detail::call_signer(
        sign, std::move(input), "the key",
        [self = shared_from_this()](result<std::string> signature)
        { self->complete(std::move(signature)); });
}

void external_result::cancel() noexcept
{
    complete(error(errc::cancelled));
}

// It posts under the lock, which keeps the context alive until then.
void external_result::complete(result<std::string> outcome) noexcept
{
    std::lock_guard const lock(pending_->mutex_);
    if (!handler_)
        return;
    pending_->waiting_.remove(this);
    handler_.post(std::move(outcome));
}

} // namespace coauth::detail
