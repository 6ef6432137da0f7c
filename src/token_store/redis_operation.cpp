#include "token_store/redis_store.hpp"
#include "values/make_error.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

// One call of a verb.

namespace coauth::redis
{

namespace asio = boost::asio;

namespace
{

// Of one operation: redirections, other forms of a command, another connection.
constexpr unsigned max_tries = 6;

// Those to ASKING are of no interest.
std::vector<reply> without_asking(std::vector<reply> replies)
{
    std::vector<reply> kept;
    for (std::size_t i = 1; i < replies.size(); i += 2)
        kept.push_back(std::move(replies[i]));
    return kept;
}

} // namespace

operation::operation(
    std::shared_ptr<store> owner, verb_call call, time_point deadline, handler_type handler)
    : owner_(std::move(owner))
    , call_(std::move(call))
    , deadline_(deadline)
    , handler_(std::move(handler))
{
}

void operation::connect_cancellation_slot()
{
    auto const slot = std::visit(
        [](auto const& handler) { return asio::get_associated_cancellation_slot(handler); },
        handler_);
    if (!slot.is_connected())
        return;
    auto connected = slot;
    connected.assign(
        [weak = weak_from_this()](asio::cancellation_type type)
        {
            auto const running = weak.lock();
            if (running && type != asio::cancellation_type::none)
                running->owner_->post([running] { running->abort(errc::cancelled); });
        });
}

void operation::start()
{
    if (deadline_ <= std::chrono::steady_clock::now())
        return abort(errc::timeout);
    send();
}

void operation::send()
{
    ++tries_;
    bool const asking = asked_ != nullptr;
    server_ = asking ? std::exchange(asked_, nullptr) : owner_->server_of(call_.name);
    if (!server_->has_scripts())
        form_ = command_form::plain;
    commands = make_commands(call_, owner_->prefix(), form_, asking);
    if (commands.replies == 0)
        return complete(result<bool>(false));
    server_->send(shared_from_this());
}

void operation::on_replies(std::vector<reply> replies)
{
    if (commands.asking)
        replies = without_asking(std::move(replies));
    auto const refused = std::find_if(
        replies.begin(), replies.end(),
        [](reply const& one) { return one.type == reply::kind::error; });
    if (refused == replies.end())
        return finish(std::move(replies));
    bool const tries_again = tries_ < max_tries && try_again(refused->text);
    if (!tries_again)
        fail(make_reply_error(refused->text, server_->peer()));
}

bool operation::try_again(std::string_view text)
{
    auto const action = action_of(text);
    if (action == error_action::report)
        return false;
    if (action == error_action::send_script)
        form_ = command_form::script_text;
    else if (action == error_action::use_plain_commands)
        server_->forbid_scripts();
    else if (action == error_action::replace_connection)
    {
        if (std::exchange(has_replaced_connection_, true))
            return false;
        server_->replace_connection();
    }
    else
    {
        auto const leads_to = parse_redirection(text);
        if (!leads_to)
            return false;
        auto other = owner_->find_server(
            leads_to->host.empty() ? server_->host() : leads_to->host, leads_to->port);
        if (!other)
            return false;
        if (action == error_action::follow_ask)
            asked_ = std::move(other);
        else
            owner_->on_moved(leads_to->slot, std::move(other));
    }
    send();
    return true;
}

void operation::on_failure(error const& failure)
{
    bool const tries_again = failure != errc::cancelled && failure != errc::queue_full &&
                             tries_ < max_tries && owner_->forget(*server_);
    if (tries_again)
        return send();
    fail(failure);
}

void operation::finish(std::vector<reply> replies)
{
    if (call_.what == store_operation::load)
        complete(read_record(std::move(replies)));
    else
        complete(read_outcome(call_, form_, replies));
}

void operation::fail(error const& failure)
{
    if (call_.what == store_operation::load)
        complete(result<stored_record>(failure));
    else
        complete(result<bool>(failure));
}

template <class T>
void operation::complete(result<T> outcome)
{
    if (std::exchange(is_complete_, true))
        return;
    auto const self = shared_from_this();
    if (server_)
        server_->drop(*this);
    owner_->remove(*this);
    using handler = asio::any_completion_handler<void(result<T>)>;
    try
    {
        // Not on the strand, which the handler would keep busy.
        asio::post(
            owner_->executor(), [completion = std::get<handler>(std::move(handler_)),
                                 outcome = std::move(outcome)]() mutable
            { std::move(completion)(std::move(outcome)); });
    }
    catch (...) // NOLINT(bugprone-empty-catch): without memory the handler is destroyed
    {
    }
}

} // namespace coauth::redis
