#include "client/external_signer.hpp"

#include "values/make_error.hpp"

#include <utility>

namespace coauth::detail
{

// What the signer was given to answer: shared by its copies, and a failure when the last one goes.
class signer_call::once
{
public:
    explicit once(std::shared_ptr<signer_call> call) : call_(std::move(call)) {}
    ~once() { call_->settle(refuse("the signer of client assertions gave up without an answer")); }
    once(once const&) = delete;
    once& operator=(once const&) = delete;

    void answer(result<std::string> signature) noexcept { call_->settle(std::move(signature)); }

private:
    std::shared_ptr<signer_call> const call_;
};

void signer_desk::context_gone() noexcept
{
    for (;;)
    {
        // Goes without the lock: it may own what waits, and more.
        signer_call::handler dropped;
        std::list<signer_call*> place;
        std::lock_guard const lock(mutex_);
        gone_ = true;
        if (waiting_.empty())
            return;
        dropped = std::move(waiting_.front()->done_);
        place.splice(place.begin(), waiting_, waiting_.begin());
    }
}

signer_call::signer_call(std::shared_ptr<signer_desk> desk) : desk_(std::move(desk)), place_{this}
{
}

signer_call::~signer_call()
{
    std::lock_guard const lock(desk_->mutex_);
    if (done_)
        desk_->waiting_.remove(this);
}

void signer_call::hold(handler done)
{
    std::lock_guard const lock(desk_->mutex_);
    if (desk_->gone_)
        return;
    done_ = std::move(done);
    desk_->waiting_.splice(desk_->waiting_.end(), place_);
}

void signer_call::ask(signer_function const& sign, std::string input)
{
    {
        std::lock_guard const lock(desk_->mutex_);
        if (!done_)
            return;
    }
    // Outlives what is thrown, which is then what is told.
    std::shared_ptr<once> answer;
    try
    {
        answer = std::make_shared<once>(shared_from_this());
        sign(
            std::move(input),
            [answer](result<std::string> signature) { answer->answer(std::move(signature)); });
    }
    catch (std::bad_alloc const&)
    {
        settle(error(errc::out_of_memory));
    }
    catch (...)
    {
        settle(refuse("the signer of client assertions threw an exception"));
    }
}

void signer_call::cancel() noexcept
{
    settle(error(errc::cancelled));
}

// The first answer counts. Posted under the lock: the context is there until it is let go.
void signer_call::settle(result<std::string> signature) noexcept
{
    std::lock_guard const lock(desk_->mutex_);
    if (!done_)
        return;
    desk_->waiting_.remove(this);
    done_.post(std::move(signature));
}

} // namespace coauth::detail
