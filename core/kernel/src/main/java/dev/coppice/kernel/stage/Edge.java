package dev.coppice.kernel.stage;

import java.time.Duration;
import java.util.List;

/**
 * A picture of the messages between a stage and those who subscribed to it, at one time.
 *
 * @param from the stage that gives them; several, joined by commas, when they were merged
 * @param to the stages that take them: several only when they share one queue
 * @param workers how many take
 * @param capacity the most that may be queued and held
 * @param queued messages that wait for a worker
 * @param held messages that workers took and have not settled
 * @param messages messages ever taken
 * @param perSecond messages taken per second, over the last 10 seconds
 * @param meanWait how long those waited
 * @param waited how long all messages ever taken waited
 * @param failures messages given up by the stages in {@code to}
 * @param retries attempts of those stages after a first one
 * @param restarts lives of their workers after a first one
 */
public record Edge(
        String pipeline,
        String from,
        List<String> to,
        int workers,
        long capacity,
        long queued,
        long held,
        long messages,
        double perSecond,
        Duration meanWait,
        Duration waited,
        long failures,
        long retries,
        long restarts) {}
