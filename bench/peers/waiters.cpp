// Many waiters for one token: coauth's token_source compared with the minimum.
//
//   bench_waiters HOW ...   HOW: coauth, or gate: coroutines that wait for an event that costs
//                           nothing, which shows the callers' own memory and CPU time
//
// --in-flight is the number of waiters, each a coroutine. If the server refuses the request, each
// waiter receives the error.

#include <coauth/client.hpp>
#include <coauth/observer.hpp>
#include <coauth/token_source.hpp>

#include "common.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <ctime>
#include <malloc.h>
#include <memory>

namespace asio = boost::asio;

namespace
{

double memory_in_use()
{
    auto const found = mallinfo2();
    return static_cast<double>(found.uordblks) + static_cast<double>(found.hblkhd);
}

double resident_kb()
{
    std::ifstream status("/proc/self/status");
    std::string word;
    double kb = 0;
    while (status >> word)
        if (word == "VmRSS:" && status >> kb)
            return kb;
    throw std::runtime_error("/proc/self/status does not say VmRSS");
}

double thread_cpu_us()
{
    std::timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

// Other work on the executor, and the longest time that it had to wait, in CPU time, since other
// processes may use the core.
class other_work
{
public:
    explicit other_work(asio::io_context& context) : context_(context) {}

    void begin()
    {
        last_ = thread_cpu_us();
        post_again();
    }
    void end() { ended_ = true; }
    [[nodiscard]] double longest_us() const { return longest_; }

private:
    void post_again()
    {
        asio::post(
            context_,
            [this]
            {
                auto const now = thread_cpu_us();
                longest_ = std::max(longest_, now - last_);
                last_ = now;
                if (!ended_)
                    post_again();
            });
    }

    asio::io_context& context_;
    double last_ = 0;
    double longest_ = 0;
    bool ended_ = false;
};

// The measurement: from the time when all wait until the last waiter has resumed.
class measurement
{
public:
    measurement(asio::io_context& context, std::size_t waiters)
        : other_work_(context)
        , waiters_(waiters)
        , left_(waiters)
        , memory_before_(memory_in_use())
        , resident_before_(resident_kb())
    {
    }

    void all_wait()
    {
        memory_ = memory_in_use() - memory_before_;
        resident_ = resident_kb() - resident_before_;
    }
    void waking_begins()
    {
        other_work_.begin();
        began_ = thread_cpu_us();
    }
    void one_is_through()
    {
        if (--left_ != 0)
            return;
        cpu_ = thread_cpu_us() - began_;
        other_work_.end();
    }

    void report(char const* how, std::uint64_t fetches) const
    {
        if (left_ != 0)
            throw std::runtime_error("not every one of them was woken");
        auto const all = static_cast<double>(waiters_);
        std::printf(
            "{\"how\":\"%s\",\"fetches\":%llu,\"wake_us\":%.4f,\"bytes\":%.1f,"
            "\"resident_bytes\":%.1f,\"longest_us\":%.1f}\n",
            how, static_cast<unsigned long long>(fetches), cpu_ / all, memory_ / all,
            resident_ * 1024 / all, other_work_.longest_us());
    }

private:
    other_work other_work_;
    std::size_t const waiters_;
    std::size_t left_;
    double const memory_before_;
    double const resident_before_;
    double memory_ = 0;
    double resident_ = 0;
    double began_ = 0;
    double cpu_ = 0;
};

template <class Waiter>
void spawn(asio::io_context& context, std::size_t count, Waiter const& waiter)
{
    for (std::size_t i = 0; i < count; ++i)
        asio::co_spawn(
            context, waiter(),
            [](std::exception_ptr const& failure)
            {
                if (failure)
                    std::rethrow_exception(failure);
            });
}

// The first waiter requests the fetch, which starts when all wait.
struct fetch_observer : coauth::observer
{
    explicit fetch_observer(measurement& measured) : of(measured) {}
    void on_fetch_started(coauth::fetch_started const& /*event*/) override { of.all_wait(); }
    void on_fetch_succeeded(coauth::fetch_succeeded const& /*event*/) override
    {
        of.waking_begins();
    }
    void on_fetch_failed(coauth::fetch_failed const& /*event*/) override { of.waking_begins(); }
    measurement& of;
};

asio::awaitable<void> wait(coauth::token_source& source, measurement& of)
{
    auto const token = co_await source.async_get_access_token();
    if (token)
        bench::check(token->value(), token->token_type());
    else if (token.error().code() != coauth::errc::invalid_client)
        throw std::runtime_error(token.error().message());
    of.one_is_through();
}

void measure_coauth(bench::options const& opts)
{
    asio::io_context context(1);
    measurement measured(context, opts.in_flight);
    coauth::client_config config;
    config.server.token_endpoint = opts.endpoint;
    config.authentication = coauth::client_authentication::client_secret_basic(
        bench::client_id, std::string(bench::client_secret));
    config.tls.ca_file = opts.ca_file;
    config.observer = std::make_shared<fetch_observer>(measured);
    coauth::client client(context.get_executor(), config);
    coauth::token_source source(client);
    spawn(context, opts.in_flight, [&] { return wait(source, measured); });
    context.run();
    measured.report("coauth", source.counters().fetches);
}

// Memory for all handlers is allocated before the measurement.
class gate
{
public:
    explicit gate(std::size_t waiters) { waiting_.reserve(waiters); }

    asio::awaitable<void> async_wait()
    {
        return asio::async_initiate<asio::use_awaitable_t<> const, void()>(
            [this](handler waiting) { waiting_.push_back(std::move(waiting)); },
            asio::use_awaitable);
    }
    void open()
    {
        for (auto& waiting : waiting_)
            handler(std::move(waiting))();
    }

private:
    using handler = asio::async_result<asio::use_awaitable_t<>, void()>::handler_type;
    std::vector<handler> waiting_;
};

asio::awaitable<void> wait(gate& at, measurement& of)
{
    co_await at.async_wait();
    of.one_is_through();
}

void measure_gate(bench::options const& opts)
{
    asio::io_context context(1);
    gate at(opts.in_flight);
    measurement measured(context, opts.in_flight);
    spawn(context, opts.in_flight, [&] { return wait(at, measured); });
    asio::post(
        context,
        [&]
        {
            measured.all_wait();
            measured.waking_begins();
            at.open();
        });
    context.run();
    measured.report("gate", 1);
}

} // namespace

int main(int argc, char** argv)
{
    return bench::report_failure(
        [&]
        {
            std::string_view const how = argc < 2 ? "" : argv[1];
            if (how != "coauth" && how != "gate")
                throw std::invalid_argument("HOW is coauth or gate");
            auto const opts = bench::parse(argc - 1, argv + 1);
            how == "coauth" ? measure_coauth(opts) : measure_gate(opts);
        });
}
