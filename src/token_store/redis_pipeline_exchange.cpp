#include "token_store/redis_pipeline.hpp"
#include "values/make_error.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>
#include <tuple>
#include <utility>

// Requests and replies on an open connection.

namespace coauth::redis
{

namespace asio = boost::asio;
using boost::system::error_code;

namespace
{

// A connection on which nothing has come for this time, and on which a request has given up, is
// replaced: the network may have lost it silently.
constexpr std::chrono::milliseconds silence_limit(1'000);
// Of the bytes that are sent at once.
constexpr std::size_t output_size = std::size_t(64) * 1024;

} // namespace

net::task<result<void>> pipeline::exchange()
{
    auto& op = run_->op;
    net::byte_stream::scope const covered(*stream_, op.stop);
    stream_->begin_request();
    error_code ec;
    std::size_t size = 0;
    auto next = advance(ec);
    while (next != wait_kind::nothing && !ec)
    {
        // From now on `send` and `drop` may end the wait.
        op.stop.set_interruption(clock::time_point::min());
        std::tie(ec, size) = co_await stream_->async_ready(next, input_, op);
        bool const interrupted = op.stop.take_interruption();
        op.stop.clear_interruption();
        if (interrupted && ec == asio::error::operation_aborted)
            ec = {};
        else if (next == wait_kind::input)
            stream_->on_input(ec, size);
        next = ec ? wait_kind::nothing : advance(ec);
    }
    if (protocol_failure_)
        co_return *protocol_failure_;
    if (!ec && !op.stop.aborted())
        co_return result<void>();
    bool const is_silent = ec == asio::error::timed_out;
    co_return stream_->fail(
        op, errc::connection_lost,
        is_silent ? "Redis at " + peer_ + " has not responded for a second"
                  : "the connection to Redis at " + peer_ + " broke",
        ec);
}

pipeline::wait_kind pipeline::advance(error_code& ec)
{
    auto next = wait_kind::nothing;
    do
    {
        if (is_silent(clock::now()))
            ec = asio::error::timed_out;
        if (!ec)
            fill_output();
        next = ec ? wait_kind::nothing : write(ec);
        if (next == wait_kind::nothing && !ec)
            next = read(ec);
        if (protocol_failure_ || ec)
            return wait_kind::nothing;
        // A reply may have caused further requests.
    } while (next == wait_kind::input && !queue_.empty() && !is_stale_ && !greeting_ &&
             written_ == output_.size());
    bool const is_needed = waits_for_replies() || (written_ < output_.size() && !queue_.empty());
    return is_needed ? next : wait_kind::nothing;
}

void pipeline::fill_output()
{
    if (written_ < output_.size())
        return;
    output_.clear();
    written_ = 0;
    auto const add = [&](std::shared_ptr<pipelined_request> request)
    {
        output_.append(request->commands.bytes.view());
        auto const expected = request->commands.replies;
        sent_.push_back({std::move(request), expected, clock::now(), {}});
    };
    if (greeting_)
    {
        // Once.
        if (greeting_->commands.replies != 0)
            add(greeting_);
        greeting_->commands = {};
        return;
    }
    while (!is_stale_ && !queue_.empty() && output_.size() < output_size)
    {
        add(std::move(queue_.front()));
        queue_.pop_front();
    }
}

pipeline::wait_kind pipeline::write(error_code& ec)
{
    auto rest = output_.view().substr(written_);
    if (rest.empty())
        return wait_kind::nothing;
    auto const next = stream_->try_write(rest, ec);
    written_ = output_.size() - rest.size();
    return next;
}

pipeline::wait_kind pipeline::read(error_code& ec)
{
    for (;;)
    {
        std::size_t size = 0;
        auto const next = stream_->try_read(input_, size, ec);
        if (next != wait_kind::nothing || ec)
            return next;
        last_input_ = clock::now();
        on_bytes({input_.data(), size});
        if (protocol_failure_)
            return wait_kind::nothing;
    }
}

void pipeline::on_bytes(std::string_view bytes)
{
    auto const fed = reader_->feed(bytes);
    if (!fed)
        protocol_failure_ = fed.error();
    while (!protocol_failure_)
    {
        auto received = reader_->next();
        if (!received)
            protocol_failure_ = received.error();
        else if (!*received)
            return;
        else if (sent_.empty())
            protocol_failure_ = detail::make_error(
                errc::malformed_response, "Redis at " + peer_ + " responded before it was asked");
        else
            on_reply(std::move(**received));
    }
}

void pipeline::on_reply(reply received)
{
    auto& first = sent_.front();
    first.replies.push_back(std::move(received));
    if (first.replies.size() < first.expected)
        return;
    auto complete = std::move(first);
    sent_.pop_front();
    if (!greeting_)
    {
        was_useful_ = true;
        back_off_.on_success();
    }
    if (complete.request)
        complete.request->on_replies(std::move(complete.replies));
}

bool pipeline::is_silent(clock::time_point now) const noexcept
{
    return !sent_.empty() && sent_.front().request == nullptr &&
           now - std::max(last_input_, sent_.front().sent) >= silence_limit;
}

bool pipeline::waits_for_replies() const noexcept
{
    return std::any_of(
        sent_.begin(), sent_.end(),
        [](sent_request const& sent) { return sent.request != nullptr; });
}

} // namespace coauth::redis
