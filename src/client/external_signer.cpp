#include "client/external_signer.hpp"

#include "values/make_error.hpp"

#include <utility>

namespace coauth::detail
{

// Shared by the copies of the callback that the signer gets. If all are destroyed without a call,
// the signature has failed.
class external_signature::completion_token
{
public:
    explicit completion_token(std::shared_ptr<external_signature> signature)
        : signature_(std::move(signature))
    {
    }
    ~completion_token()
    {
        signature_->complete(
            config_error("the signer function of the key gave up without a response"));
    }
    completion_token(completion_token const&) = delete;
    completion_token& operator=(completion_token const&) = delete;

    void complete(result<std::string> signature) noexcept
    {
        signature_->complete(std::move(signature));
    }

private:
    std::shared_ptr<external_signature> const signature_;
};

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
    // Declared outside: it must not complete before the exception does.
    std::shared_ptr<completion_token> token;
    try
    {
        token = std::make_shared<completion_token>(shared_from_this());
        sign(
            std::move(input),
            [token](result<std::string> signature) { token->complete(std::move(signature)); });
    }
    catch (std::bad_alloc const&)
    {
        complete(error(errc::out_of_memory));
    }
    catch (...)
    {
        complete(config_error("the signer function of the key threw an exception"));
    }
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
