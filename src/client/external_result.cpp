#include "client/external_signer.hpp"

#include "client/call_signer.hpp"

#include <utility>

namespace coauth::detail
{

void pending_signatures::context_gone() noexcept
{
    for (;;)
    {
        // Destroyed without the lock: it may own the operation that waits, and more.
        external_signature::handler_type handler;
        std::list<external_signature*> node;
        std::lock_guard const lock(mutex_);
        context_is_gone_ = true;
        if (waiting_.empty())
            return;
        handler = std::move(waiting_.front()->handler_);
        node.splice(node.begin(), waiting_, waiting_.begin());
    }
}

external_signature::external_signature(std::shared_ptr<pending_signatures> pending)
    : pending_(std::move(pending))
    , node_{this}
{
}

external_signature::~external_signature()
{
    std::lock_guard const lock(pending_->mutex_);
    if (handler_)
        pending_->waiting_.remove(this);
}

void external_signature::set_handler(handler_type handler)
{
    std::lock_guard const lock(pending_->mutex_);
    if (pending_->context_is_gone_)
        return;
    handler_ = std::move(handler);
    pending_->waiting_.splice(pending_->waiting_.end(), node_);
}

void external_signature::call_signer(signer_function const& sign, std::string input)
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

void external_signature::cancel() noexcept
{
    complete(error(errc::cancelled));
}

// The first call counts. It posts under the lock, which keeps the context alive until then.
void external_signature::complete(result<std::string> signature) noexcept
{
    std::lock_guard const lock(pending_->mutex_);
    if (!handler_)
        return;
    pending_->waiting_.remove(this);
    handler_.post(std::move(signature));
}

} // namespace coauth::detail
