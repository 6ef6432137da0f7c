#include "client/external_signer.hpp"

#include "values/make_error.hpp"

#include <utility>

namespace coauth::detail
{

// What the signer was given to response: shared by its copies, and a failure when the last one
// goes.
class external_signature::once
{
public:
    explicit once(std::shared_ptr<external_signature> call) : call_(std::move(call)) {}
    ~once()
    {
        call_->settle(config_error("the signer of client assertions gave up without a response"));
    }
    once(once const&) = delete;
    once& operator=(once const&) = delete;

    void response(result<std::string> signature) noexcept { call_->settle(std::move(signature)); }

private:
    std::shared_ptr<external_signature> const call_;
};

void pending_signatures::context_gone() noexcept
{
    for (;;)
    {
        // Goes without the lock: it may own what waits, and more.
        external_signature::handler dropped;
        std::list<external_signature*> place;
        std::lock_guard const lock(mutex_);
        gone_ = true;
        if (waiting_.empty())
            return;
        dropped = std::move(waiting_.front()->done_);
        place.splice(place.begin(), waiting_, waiting_.begin());
    }
}

external_signature::external_signature(std::shared_ptr<pending_signatures> desk)
    : desk_(std::move(desk))
    , place_{this}
{
}

external_signature::~external_signature()
{
    std::lock_guard const lock(desk_->mutex_);
    if (done_)
        desk_->waiting_.remove(this);
}

void external_signature::hold(handler done)
{
    std::lock_guard const lock(desk_->mutex_);
    if (desk_->gone_)
        return;
    done_ = std::move(done);
    desk_->waiting_.splice(desk_->waiting_.end(), place_);
}

void external_signature::ask(signer_function const& sign, std::string input)
{
    {
        std::lock_guard const lock(desk_->mutex_);
        if (!done_)
            return;
    }
    // Outlives what is thrown, which is then what is told.
    std::shared_ptr<once> response;
    try
    {
        response = std::make_shared<once>(shared_from_this());
        sign(
            std::move(input), [response](result<std::string> signature)
            { response->response(std::move(signature)); });
    }
    catch (std::bad_alloc const&)
    {
        settle(error(errc::out_of_memory));
    }
    catch (...)
    {
        settle(config_error("the signer of client assertions threw an exception"));
    }
}

void external_signature::cancel() noexcept
{
    settle(error(errc::cancelled));
}

// The first response counts. Posted under the lock: the context is there until it is let go.
void external_signature::settle(result<std::string> signature) noexcept
{
    std::lock_guard const lock(desk_->mutex_);
    if (!done_)
        return;
    desk_->waiting_.remove(this);
    done_.post(std::move(signature));
}

} // namespace coauth::detail
