# The rows of the kernel's speed table as Elixir does them. Each line of standard input asks for one, such as
# "call clients=1000 millis=2000", and is answered by a line "ok units=... nanos=... cpuNanos=...".
# Everything measured stands in modules, which are compiled.

defmodule Bench.Section do
  @moduledoc "Measures a stretch of time: by the clock, and by the CPU time of the whole process."

  def begin do
    :erlang.garbage_collect()
    {cpu(), System.monotonic_time(:nanosecond)}
  end

  def finish({cpu, nanos}, units) do
    now = System.monotonic_time(:nanosecond)
    %{units: units, nanos: now - nanos, cpuNanos: max(1, cpu() - cpu)}
  end

  # proc(5): hundredths of a second.
  defp cpu do
    {:ok, stat} = File.read("/proc/self/stat")
    [_, rest] = String.split(stat, ") ", parts: 2)
    fields = String.split(rest, " ")
    times = Enum.at(fields, 11) |> String.to_integer()
    (times + (Enum.at(fields, 12) |> String.to_integer())) * 10_000_000
  end

  def await(done?) do
    unless done?.() do
      Process.sleep(1)
      await(done?)
    end
  end

  def p99(answer, samples) do
    sorted = Enum.sort(samples)
    count = length(sorted)
    answer |> Map.put(:p99Nanos, Enum.at(sorted, trunc(count * 0.99), 0)) |> Map.put(:samples, count)
  end
end

defmodule Bench.Adder do
  @moduledoc "Adds numbers, by call and by cast."
  use GenServer

  def init(_), do: {:ok, 0}
  def handle_call({:add, n}, _from, sum), do: {:reply, sum + n, sum + n}
  def handle_call(:sum, _from, sum), do: {:reply, sum, sum}
  def handle_cast({:add, n}, sum), do: {:noreply, sum + n}
end

defmodule Bench.Call do
  alias Bench.Section

  def run(%{"clients" => clients, "millis" => millis}) do
    {:ok, server} = GenServer.start_link(Bench.Adder, [])
    stop = :atomics.new(1, [])
    driver = self()
    pids = for _ <- 1..clients, do: spawn_link(fn -> client(driver, server, stop) end)
    section = Section.begin()
    Enum.each(pids, &send(&1, :go))
    Process.sleep(millis)
    section = Section.finish(section, 0)
    :atomics.put(stop, 1, 1)

    {count, samples} =
      Enum.reduce(pids, {0, []}, fn _, {count, samples} ->
        receive do
          {:done, n, more} -> {count + n, more ++ samples}
        end
      end)

    ^count = GenServer.call(server, :sum)
    GenServer.stop(server)
    %{section | units: count} |> Section.p99(samples)
  end

  defp client(driver, server, stop) do
    receive do
      :go -> loop(driver, server, stop, 0, [])
    end
  end

  # Every eighth call is timed.
  defp loop(driver, server, stop, n, samples) do
    cond do
      :atomics.get(stop, 1) == 1 ->
        send(driver, {:done, n, samples})

      rem(n, 8) == 7 ->
        from = System.monotonic_time(:nanosecond)
        GenServer.call(server, {:add, 1}, 5000)
        loop(driver, server, stop, n + 1, [System.monotonic_time(:nanosecond) - from | samples])

      true ->
        GenServer.call(server, {:add, 1}, 5000)
        loop(driver, server, stop, n + 1, samples)
    end
  end
end

defmodule Bench.Cast do
  alias Bench.Section

  # Each sender casts a burst and then calls, which tells that all of it was handled.
  def run(%{"senders" => senders, "burst" => burst, "millis" => millis}) do
    {:ok, server} = GenServer.start_link(Bench.Adder, [])
    stop = :atomics.new(1, [])
    driver = self()
    section = Section.begin()
    for _ <- 1..senders, do: spawn_link(fn -> sender(driver, server, stop, burst, 0) end)
    Process.sleep(millis)
    :atomics.put(stop, 1, 1)

    sent =
      Enum.reduce(1..senders, 0, fn _, sum ->
        receive do
          {:sent, n} -> sum + n
        end
      end)

    ^sent = GenServer.call(server, :sum, :infinity)
    answer = Section.finish(section, sent)
    GenServer.stop(server)
    answer
  end

  defp sender(driver, server, stop, burst, sent) do
    if :atomics.get(stop, 1) == 1 do
      send(driver, {:sent, sent})
    else
      cast(server, burst)
      GenServer.call(server, :sum, :infinity)
      sender(driver, server, stop, burst, sent + burst)
    end
  end

  defp cast(_, 0), do: :ok

  defp cast(server, left) do
    GenServer.cast(server, {:add, 1})
    cast(server, left - 1)
  end
end

defmodule Bench.Hopper do
  use GenServer

  def init(state), do: {:ok, state}

  def handle_cast({:hop, hops}, {number, count, stop, driver} = state) do
    if :atomics.get(stop, 1) == 1 do
      send(driver, {:ended, hops + 1})
    else
      next = rem(number * 31 + hops * 7 + 1, count)
      GenServer.cast(elem(:persistent_term.get(:hoppers), next), {:hop, hops + 1})
    end

    {:noreply, state}
  end
end

defmodule Bench.Mesh do
  alias Bench.Section

  # Tokens hop from process to process.
  def run(%{"processes" => processes, "tokens" => tokens, "millis" => millis}) do
    stop = :atomics.new(1, [])

    pids =
      for i <- 0..(processes - 1) do
        {:ok, pid} = GenServer.start_link(Bench.Hopper, {i, processes, stop, self()})
        pid
      end

    hoppers = List.to_tuple(pids)
    :persistent_term.put(:hoppers, hoppers)
    section = Section.begin()
    for i <- 0..(tokens - 1), do: GenServer.cast(elem(hoppers, rem(i, processes)), {:hop, 0})
    Process.sleep(millis)
    :atomics.put(stop, 1, 1)

    hops =
      Enum.reduce(1..tokens, 0, fn _, sum ->
        receive do
          {:ended, n} -> sum + n
        end
      end)

    answer = Section.finish(section, hops)
    Enum.each(pids, &GenServer.stop/1)
    answer
  end
end

defmodule Bench.Counted do
  @moduledoc "Counts its messages, and tells a common counter."
  use GenServer

  def start_link(counter), do: GenServer.start_link(__MODULE__, counter)
  def init(counter), do: {:ok, {0, counter}}

  def handle_cast(:count, {n, counter}) do
    :counters.add(counter, 1, 1)
    {:noreply, {n + 1, counter}}
  end
end

defmodule Bench.Spawn do
  alias Bench.Section

  def run(%{"processes" => processes, "starters" => starters}) do
    counter = :counters.new(1, [:write_concurrency])
    supervisors = for _ <- 1..starters, do: supervisor()
    section = Section.begin()
    start(supervisors, div(processes, starters), counter)
    Section.await(fn -> :counters.get(counter, 1) == processes end)
    answer = Section.finish(section, processes)
    kill(supervisors)
    answer
  end

  def idle(%{"processes" => processes}) do
    counter = :counters.new(1, [])
    supervisor = supervisor()
    :erlang.garbage_collect()
    Process.sleep(500)
    before = :erlang.memory(:total)
    section = Section.begin()
    start([supervisor], processes, counter)
    Section.await(fn -> :counters.get(counter, 1) == processes end)
    answer = Section.finish(section, processes)
    :erlang.garbage_collect(supervisor)
    Process.sleep(500)
    bytes = :erlang.memory(:total) - before
    kill([supervisor])
    Map.put(answer, :bytes, bytes)
  end

  defp supervisor do
    {:ok, supervisor} = DynamicSupervisor.start_link(strategy: :one_for_one)
    supervisor
  end

  defp start([supervisor], count, counter), do: children(supervisor, count, child(counter))

  defp start(supervisors, count, counter) do
    supervisors
    |> Enum.map(&Task.async(fn -> children(&1, count, child(counter)) end))
    |> Task.await_many(:infinity)
  end

  defp child(counter) do
    %{id: :counted, start: {Bench.Counted, :start_link, [counter]}, restart: :permanent}
  end

  defp children(_, 0, _), do: :ok

  defp children(supervisor, left, child) do
    {:ok, pid} = DynamicSupervisor.start_child(supervisor, child)
    GenServer.cast(pid, :count)
    children(supervisor, left - 1, child)
  end

  defp kill(supervisors) do
    Enum.each(supervisors, fn supervisor ->
      Process.unlink(supervisor)
      Process.exit(supervisor, :kill)
    end)

    Section.await(fn -> length(Process.list()) < 1000 end)
  end
end

defmodule Bench.Crashing do
  @moduledoc "Crashes at its first message, which it sends itself."
  use GenServer

  def start_link(arguments), do: GenServer.start_link(__MODULE__, arguments)

  def init({counter, stop} = state) do
    :counters.add(counter, 1, 1)
    if :atomics.get(stop, 1) == 0, do: GenServer.cast(self(), :crash)
    {:ok, state}
  end

  def handle_cast(:crash, _), do: raise("crash")
end

defmodule Bench.Restart do
  alias Bench.Section

  def run(%{"supervisors" => supervisors, "millis" => millis}) do
    counter = :counters.new(1, [])
    stop = :atomics.new(1, [])
    :atomics.put(stop, 1, 1)

    started =
      for _ <- 1..supervisors do
        {:ok, pid} =
          Supervisor.start_link([{Bench.Crashing, {counter, stop}}],
            strategy: :one_for_one,
            max_restarts: 1_000_000_000,
            max_seconds: 1
          )

        pid
      end

    :counters.put(counter, 1, 0)
    :atomics.put(stop, 1, 0)
    section = Section.begin()

    for pid <- started do
      [{_, child, _, _}] = Supervisor.which_children(pid)
      GenServer.cast(child, :crash)
    end

    Process.sleep(millis)
    answer = Section.finish(section, :counters.get(counter, 1))
    :atomics.put(stop, 1, 1)
    Process.sleep(100)
    Enum.each(started, &Supervisor.stop(&1, :normal, :infinity))
    answer
  end
end

defmodule Bench.Tasks do
  alias Bench.Section

  def run(%{"tasks" => tasks, "limit" => limit}) do
    section = Section.begin()

    sum =
      Task.async_stream(1..tasks, __MODULE__, :work, [], max_concurrency: limit, timeout: 5000)
      |> Enum.reduce(0, fn {:ok, n}, sum -> sum + n end)

    answer = Section.finish(section, tasks)
    ^sum = tasks * (tasks + 1)
    answer
  end

  def work(n), do: n * 2
end

defmodule Bench.Timers do
  alias Bench.Section

  # Workers set their share of the timers, then cancel all of them.
  def cancel(%{"timers" => timers, "workers" => workers}) do
    section = Section.begin()
    share = div(timers, workers)

    1..workers
    |> Enum.map(fn _ ->
      Task.async(fn ->
        set = for _ <- 1..share, do: Process.send_after(self(), :tick, 60_000)
        Enum.each(set, fn timer -> true = is_integer(Process.cancel_timer(timer)) end)
      end)
    end)
    |> Task.await_many(:infinity)

    Section.finish(section, share * workers)
  end

  # Workers set their share of the timers, due within 100 ms, and count them as they come.
  def fire(%{"timers" => timers, "workers" => workers}) do
    section = Section.begin()
    share = div(timers, workers)
    driver = self()

    pids =
      for _ <- 1..workers do
        spawn_link(fn ->
          Enum.each(1..share, fn i -> Process.send_after(self(), :tick, 1 + rem(i * 7, 100)) end)
          count(share)
          send(driver, :counted)
        end)
      end

    Enum.each(pids, fn _ ->
      receive do
        :counted -> :ok
      end
    end)

    Section.finish(section, share * workers)
  end

  defp count(0), do: :ok

  defp count(left) do
    receive do
      :tick -> count(left - 1)
    end
  end
end

defmodule Bench.Table do
  alias Bench.Section
  import Bitwise

  def run(%{"keys" => keys, "writers" => writers, "millis" => millis}) do
    table = :ets.new(:counts, [:set, :public, write_concurrency: :auto, read_concurrency: true])
    Enum.each(0..(keys - 1), &:ets.insert(table, {&1, 0}))
    stop = :atomics.new(1, [])
    driver = self()
    section = Section.begin()
    for i <- 1..writers, do: spawn_link(fn -> writer(driver, table, stop, keys, i * 7919, 0) end)
    Process.sleep(millis)
    answer = Section.finish(section, 0)
    :atomics.put(stop, 1, 1)

    count =
      Enum.reduce(1..writers, 0, fn _, sum ->
        receive do
          {:done, n} -> sum + n
        end
      end)

    ^count = :ets.foldl(fn {_, n}, sum -> sum + n end, 0, table)
    :ets.delete(table)
    %{answer | units: count}
  end

  defp writer(driver, table, stop, keys, random, n) do
    if :atomics.get(stop, 1) == 1 do
      send(driver, {:done, n})
    else
      writer(driver, table, stop, keys, updates(table, keys, random, 100), n + 100)
    end
  end

  defp updates(_, _, random, 0), do: random

  defp updates(table, keys, random, left) do
    random = random * 1_103_515_245 + 12_345 &&& 0x7FFFFFFF
    :ets.update_counter(table, rem(random >>> 8, keys), {2, 1})
    updates(table, keys, random, left - 1)
  end
end

defmodule Bench.Main do
  def loop do
    case IO.gets("") do
      line when is_binary(line) ->
        [job | sizes] = String.split(line)

        sizes =
          Map.new(sizes, fn size ->
            [name, number] = String.split(size, "=")
            {name, String.to_integer(number)}
          end)

        answer = run(job, sizes)
        IO.puts(Enum.map_join(answer, " ", fn {name, n} -> "#{name}=#{n}" end) |> then(&("ok " <> &1)))
        loop()

      _ ->
        :ok
    end
  end

  defp run("call", sizes), do: Bench.Call.run(sizes)
  defp run("cast", sizes), do: Bench.Cast.run(sizes)
  defp run("mesh", sizes), do: Bench.Mesh.run(sizes)
  defp run("spawn", sizes), do: Bench.Spawn.run(sizes)
  defp run("idle", sizes), do: Bench.Spawn.idle(sizes)
  defp run("restart", sizes), do: Bench.Restart.run(sizes)
  defp run("tasks", sizes), do: Bench.Tasks.run(sizes)
  defp run("timers-cancel", sizes), do: Bench.Timers.cancel(sizes)
  defp run("timers-fire", sizes), do: Bench.Timers.fire(sizes)
  defp run("table", sizes), do: Bench.Table.run(sizes)
end

Logger.configure(level: :none)
IO.puts("ready")
Bench.Main.loop()
