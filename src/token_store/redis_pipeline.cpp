#include "token_store/redis_pipeline.hpp"

#include "net/fork_generation.hpp"
#include "token_store/redis_error.hpp"
#include "values/make_error.hpp"
#include "values/random_fraction.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <new>
#include <utility>

// Requests, and the connection that they need: opened, greeted, replaced, closed.

namespace coauth::redis
{

namespace asio = boost::asio;
using boost::system::error_code;

namespace
{

constexpr std::size_t max_queued = 10'000;
// Of an attempt to connect: while somebody waits for it, and when all have given up. The next
// request profits.
constexpr std::chrono::milliseconds connect_limit(10'000);
constexpr std::chrono::milliseconds unwanted_connect_limit(2'000);
// Commands share one look at the files of TLS.
constexpr std::chrono::microseconds look_shared_for(100);

std::shared_ptr<net::resolver>
make_resolver(asio::any_io_executor const& executor, resolver_function const& of_user)
{
    connection_options options;
    // A name that has moved is followed at once.
    options.dns_cache_ttl = {};
    options.resolver = of_user;
    return std::make_shared<net::resolver>(executor, options);
}

} // namespace

// AUTH and SELECT.
class pipeline::greeting_request final : public pipelined_request
{
public:
    explicit greeting_request(redis::commands greeting) { commands = std::move(greeting); }

    void on_replies(std::vector<reply> replies) override { replies_ = std::move(replies); }
    void on_failure(error const&) override {}

    [[nodiscard]] result<void> outcome(pipeline const& on) const
    {
        auto const& database = on.settings_->url.database;
        for (std::size_t i = 0; i < replies_.size(); ++i)
        {
            if (replies_[i].type != reply::kind::error)
                continue;
            bool const is_select = i + 1 == replies_.size() && !database.empty() && database != "0";
            return is_select ? make_database_error(replies_[i].text, on.peer_, database)
                             : make_login_error(replies_[i].text, on.peer_);
        }
        return {};
    }

private:
    std::vector<reply> replies_;
};

pipeline::pipeline(
    asio::any_io_executor strand, std::shared_ptr<server_settings const> settings,
    std::string const& host, std::uint16_t port)
    : strand_(std::move(strand))
    , settings_(std::move(settings))
    , target_(
          settings_->make_target(host, port, make_resolver(strand_, settings_->options.resolver)))
    , peer_(net::authority(host, port))
    , connect_timer_(strand_)
{
}

pipeline::~pipeline() = default;

void pipeline::send(std::shared_ptr<pipelined_request> const& request)
{
    if (is_closed_)
        return request->on_failure(error(errc::cancelled));
    if (queue_.size() >= max_queued)
        return request->on_failure(detail::make_error(
            errc::queue_full, "10,000 commands wait for Redis at " + peer_ +
                                  "; it is overloaded, or cannot be reached"));
    try
    {
        queue_.push_back(request);
    }
    catch (std::bad_alloc const&)
    {
        return request->on_failure(error(errc::out_of_memory));
    }
    if (!run_)
        return start_run();
    run_->op.stop.interrupt(clock::now());
    if (resumption_failed_.exchange(false))
        resume();
}

void pipeline::drop(pipelined_request const& request) noexcept
{
    std::erase_if(queue_, [&](auto const& queued) { return queued.get() == &request; });
    for (auto& sent : sent_)
        if (sent.request.get() == &request)
            sent.request = nullptr;
    if (run_ && !waits_for_replies())
        run_->op.stop.interrupt(clock::now());
}

void pipeline::close() noexcept
{
    is_closed_ = true;
    auto const queued = std::exchange(queue_, {});
    auto const sent = std::exchange(sent_, {});
    for (auto const& one : queued)
        one->on_failure(error(errc::cancelled));
    for (auto const& one : sent)
        if (one.request)
            one.request->on_failure(error(errc::cancelled));
    if (run_)
        run_->op.stop.abort(errc::cancelled);
    else
        disconnect();
}

void pipeline::on_context_shutdown() noexcept
{
    context_is_gone_ = true;
    is_closed_ = true;
    target_->lookups->on_context_shutdown();
    queue_.clear();
    sent_.clear();
}

void pipeline::start_run()
{
    try
    {
        run_ = std::make_unique<run_state>();
        run_->op.owner = weak_from_this();
        run_->task = run();
    }
    catch (std::bad_alloc const&)
    {
        run_.reset();
        return fail_all(error(errc::out_of_memory));
    }
    step(run_->task.begin());
}

void pipeline::resume()
{
    if (run_)
        step(run_->op.waits_at);
}

void pipeline::resume_later() noexcept
{
    if (context_is_gone_)
        return;
    try
    {
        asio::post(strand_, [self = shared_from_this()] { self->resume(); });
    }
    catch (...)
    {
        // The next request tries again.
        resumption_failed_ = true;
    }
}

void pipeline::step(std::coroutine_handle<> where)
{
    auto const self = shared_from_this();
    if (!run_->task.resume(where))
        return;
    try
    {
        (void)run_->task.take();
    }
    catch (...)
    {
        auto const failure = detail::error_of(std::current_exception());
        disconnect();
        fail_all(failure);
    }
    run_.reset();
    if (is_closed_)
        disconnect();
    else if (!queue_.empty())
        start_run();
}

// A task needs a value, which nobody reads.
net::task<bool> pipeline::run()
{
    auto& op = run_->op;
    while (!queue_.empty() && !op.stop.aborted())
    {
        if (stream_ && !is_reusable())
            disconnect();
        if (!stream_ && !back_off_.may_connect(clock::now()))
        {
            fail_all(*last_failure_);
            co_return false;
        }
        if (!stream_)
        {
            auto const opened = co_await open();
            if (!opened)
            {
                on_broken(opened.error());
                fail_all(opened.error());
                co_return false;
            }
        }
        auto const exchanged = co_await exchange();
        if (!exchanged)
            on_broken(exchanged.error());
        else if (is_stale_)
            disconnect();
    }
    co_return true;
}

net::task<result<void>> pipeline::open()
{
    auto& op = run_->op;
    was_useful_ = false;
    auto greeting = settings_->make_greeting();
    if (!greeting)
        co_return greeting.error();
    fork_generation_ = net::current_fork_generation();
    reader_.emplace();
    stream_.emplace(strand_, target_);
    is_stale_ = false;
    has_scripts_ = true;
    std::shared_ptr<greeting_request> current;
    if (greeting->replies != 0)
        current = std::make_shared<greeting_request>(std::move(*greeting));
    greeting_ = current;
    start_connect_timer(unwanted_connect_limit);
    auto outcome = co_await stream_->connect(op);
    if (outcome && current)
    {
        outcome = co_await exchange();
        if (outcome)
            outcome = current->outcome(*this);
    }
    greeting_ = nullptr;
    is_connecting_ = false;
    connect_timer_.cancel();
    co_return outcome;
}

void pipeline::start_connect_timer(std::chrono::milliseconds limit)
{
    is_connecting_ = true;
    connect_timer_.expires_after(limit);
    connect_timer_.async_wait(
        [self = weak_from_this(), limit](error_code ec)
        {
            auto const running = self.lock();
            if (!ec && running && running->is_connecting_ && running->run_)
                running->on_connect_timer(limit);
        });
}

void pipeline::on_connect_timer(std::chrono::milliseconds limit)
{
    bool const is_wanted = !queue_.empty() && limit == unwanted_connect_limit;
    if (is_wanted)
        start_connect_timer(connect_limit - limit);
    else
        run_->op.stop.abort(errc::timeout);
}

void pipeline::on_broken(error const& failure)
{
    // A connection that was of use may be replaced at once.
    if (!was_useful_)
        back_off_.on_failure(clock::now(), detail::random_fraction());
    last_failure_ = failure;
    disconnect();
    fail_sent(failure);
}

void pipeline::disconnect() noexcept
{
    stream_.reset();
    reader_.reset();
    greeting_ = nullptr;
    is_connecting_ = false;
    output_ = secret();
    written_ = 0;
    is_stale_ = false;
    protocol_failure_.reset();
    // Those that somebody waits for have failed before.
    std::erase_if(sent_, [](sent_request const& sent) { return sent.request == nullptr; });
}

void pipeline::fail_sent(error const& failure)
{
    for (auto const& one : std::exchange(sent_, {}))
        if (one.request)
            one.request->on_failure(failure);
}

void pipeline::fail_all(error const& failure)
{
    auto const queued = std::exchange(queue_, {});
    fail_sent(failure);
    for (auto const& one : queued)
        one->on_failure(failure);
}

bool pipeline::is_reusable()
{
    if (fork_generation_ != net::current_fork_generation() ||
        !stream_->uses_current_tls(look_shared_for))
        return false;
    if (sent_.empty())
        return !stream_->has_pending_data();
    // Replies for which nobody waits any more.
    for (int reads = 0; reads < 64; ++reads)
    {
        error_code ec;
        std::size_t size = 0;
        if (read(ec) != wait_kind::input || ec || protocol_failure_)
            return false;
        if (!stream_->try_receive(input_, size))
            return !is_silent(clock::now());
        if (size == 0)
            return false;
        stream_->on_input(ec, size);
    }
    return false;
}

} // namespace coauth::redis
