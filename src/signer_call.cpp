#include "signer_call.hpp"

#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>

#include <utility>

namespace coauth::detail
{

namespace asio = boost::asio;

namespace
{

error failed(std::string context)
{
    error_info info;
    info.context = std::move(context);
    return {errc::invalid_configuration, std::move(info)};
}

} // namespace

// What the signer was given to answer: shared by its copies, and a failure when the last one goes.
class signer_call::once
{
public:
    explicit once(std::shared_ptr<signer_call> call) : call_(std::move(call)) {}
    ~once() { call_->settle(failed("the signer of client assertions gave up without an answer")); }
    once(once const&) = delete;
    once& operator=(once const&) = delete;

    void answer(result<std::string> signature) noexcept { call_->settle(std::move(signature)); }

private:
    std::shared_ptr<signer_call> const call_;
};

signer_call::signer_call(asio::any_io_executor executor) : executor_(std::move(executor))
{
    auto& watch =
        asio::use_service<net::context_watch>(asio::query(executor_, asio::execution::context));
    watch.add(*this);
    watch_ = &watch;
}

signer_call::~signer_call()
{
    if (auto* const watch = watch_.load())
        watch->remove(*this);
}

void signer_call::hold(handler done)
{
    std::lock_guard const lock(mutex_);
    // Asio 1.26's move assignment calls itself for ever.
    done_.swap(done);
}

void signer_call::ask(signer_function const& sign, std::string input)
{
    {
        std::lock_guard const lock(mutex_);
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
        settle(failed("the signer of client assertions threw an exception"));
    }
}

void signer_call::cancel()
{
    settle(error(errc::cancelled));
}

signer_call::handler signer_call::take() noexcept
{
    std::lock_guard const lock(mutex_);
    handler taken;
    taken.swap(done_);
    return taken;
}

void signer_call::settle(result<std::string> signature) noexcept
{
    auto done = take();
    if (!done)
        return;
    try
    {
        auto const allocator = asio::get_associated_allocator(done);
        auto last = [done = std::move(done), signature = std::move(signature)]() mutable
        { std::move(done)(std::move(signature)); };
        asio::post(executor_, asio::bind_allocator(allocator, std::move(last)));
    }
    catch (...) // NOLINT(bugprone-empty-catch): without memory the operation is abandoned
    {
    }
}

void signer_call::context_gone() noexcept
{
    watch_ = nullptr;
    (void)take();
}

} // namespace coauth::detail
